"""Surfaces through control vertices: exact where they must be, and near the truth elsewhere."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.coarse.control_vertices import control_vertices
from mien_training.capture.coarse.upsampling import biharmonic_upsampling
from mien_training.synthetic.person import off_basis_neutral
from mien_training.templates.regions import face_region


@pytest.fixture(scope="module")
def matrices(anny):
    chosen = control_vertices(anny, 400)
    return {
        n: (chosen[:n], biharmonic_upsampling(anny.vertices, anny.triangles, chosen[:n]))
        for n in (100, 400)
    }


def test_affine_maps_are_exact_for_every_part(anny, matrices):
    chosen, matrix = matrices[100]
    rng = np.random.default_rng(0)
    placed = anny.vertices @ rng.standard_normal((3, 3)) + rng.standard_normal(3)
    np.testing.assert_allclose(matrix @ placed[chosen], placed, atol=1e-6)
    np.testing.assert_allclose(matrix[chosen], np.eye(100), atol=1e-9)


def test_more_control_vertices_tell_more(anny, matrices):
    face = face_region(anny)
    shapes = anny.shape_deltas[[anny.shape_names.index(n) for n in ("jawOpen", "mouthSmileLeft")]]
    heads = [off_basis_neutral(anny, s, 0.0015, 0.03) + shapes[s % 2] for s in range(4)]
    error = {}
    for count, (chosen, matrix) in matrices.items():
        off = [np.linalg.norm(matrix @ h[chosen] - h, axis=1)[face] for h in heads]
        error[count] = 1e3 * float(np.median(off))
    assert error[400] < 0.53 < error[100] < 1.36  # millimetres, evenly spread: 0.53 and 1.36


def test_a_bend_of_one_place_fades_around_it(anny, matrices):
    chosen, matrix = matrices[400]
    bend = matrix[:, 50]
    away = np.linalg.norm(anny.vertices - anny.vertices[chosen[50]], axis=1)
    assert np.abs(bend[away > 0.08]).max() < 0.15 < bend[away < 0.005].max()


def test_what_is_no_set_of_control_vertices_is_refused(anny):
    for wrong in ([0, 1, 2], [0, 1, 2, 2, 3], [0, 1, 2, 9999]):
        with pytest.raises(InputError, match="control"):
            biharmonic_upsampling(anny.vertices, anny.triangles, wrong)
    flat = anny.vertices * [1, 1, 0]
    with pytest.raises(InputError, match="one plane"):
        biharmonic_upsampling(flat, anny.triangles, control_vertices(anny, 20))
