"""Known errors are measured as what they are, in millimetres."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.metrics.mesh_errors import (
    energy_outside_support,
    per_shape_error_mm,
    point_to_surface_mm,
    shape_cosine,
    summarise,
    vertex_errors_mm,
)


def cloud(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.05, (*shape, 3))


def test_vertex_errors_are_distances():
    truth = cloud(50)
    step = cloud(50, seed=1)
    np.testing.assert_allclose(
        vertex_errors_mm(truth + step, truth), 1000 * np.linalg.norm(step, axis=1)
    )
    mask = np.arange(50) < 7
    np.testing.assert_allclose(
        vertex_errors_mm(truth + step, truth, mask), 1000 * np.linalg.norm(step[:7], axis=1)
    )


def test_alignment_takes_pose_and_size_out():
    truth = cloud(50)
    turn = Rotation.from_rotvec([0.1, 0.5, -0.2]).as_matrix()
    posed = truth @ turn.T + 0.3
    mask = np.arange(50) < 20
    posed[30:] += 1.0  # outside the mask: neither measured nor aligned by
    assert vertex_errors_mm(posed, truth, mask).min() > 10
    assert vertex_errors_mm(posed, truth, mask, "rigid").max() < 1e-9
    assert vertex_errors_mm(1.2 * posed, truth, mask, "rigid").max() > 1
    assert vertex_errors_mm(1.2 * posed, truth, mask, "similarity").max() < 1e-9


def test_a_summary_of_known_numbers():
    found = summarise([*range(1, 12), np.nan])
    assert (found.median, found.mean, found.p90, found.count) == (6, 6, pytest.approx(10), 11)
    assert str(found) == "median 6.00, mean 6.00, p90 10.00 mm"


def test_points_over_a_plane():
    square = np.array([[-1.0, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]])
    triangles = [[0, 2, 1], [0, 3, 2]]
    over = np.random.default_rng(0).uniform(-0.9, 0.9, (30, 3)) * [1, 0, 1] + [0, 0.003, 0]
    np.testing.assert_allclose(point_to_surface_mm(over, square, triangles), 3, atol=1e-3)
    aligned = point_to_surface_mm(over, square, triangles, "rigid")
    np.testing.assert_allclose(aligned, 0, atol=1e-3)


def test_shape_errors_average_over_what_truly_moves():
    truth, found = np.zeros((3, 4, 3)), np.zeros((3, 4, 3))
    truth[0, 0, 0] = 0.010
    truth[0, 1, 1] = 0.001
    truth[0, 2, 1] = 0.0004  # less than the least motion that counts
    found[0, 0, 0], found[0, 1, 1], found[0, 3] = 0.007, 0.002, 9.0
    truth[1, 3, 2] = 0.002
    errors = per_shape_error_mm(found, truth)
    np.testing.assert_allclose(errors, [2, 2, np.nan])
    mask = np.array([True, False, True, False])
    np.testing.assert_allclose(per_shape_error_mm(found, truth, mask), [3, np.nan, np.nan])
    np.testing.assert_allclose(
        per_shape_error_mm(found, truth, moving_m=0.0003)[0], (3 + 1 + 0.4) / 3
    )


def test_the_cosine_is_blind_to_amplitude_alone():
    truth = cloud(5, 20)
    assert shape_cosine(0.3 * truth, truth) == pytest.approx(np.ones(5))
    assert shape_cosine(-truth, truth) == pytest.approx(-np.ones(5))
    other = truth.copy()
    other[..., 0], other[..., 1] = -truth[..., 1], truth[..., 0]
    other[..., 2] = 0
    assert shape_cosine(other, truth) == pytest.approx(np.zeros(5), abs=1e-12)
    mask = np.arange(20) < 4
    other[:, mask] = truth[:, mask]
    assert shape_cosine(other, truth, mask) == pytest.approx(np.ones(5))
    truth[1], other[2] = 0, 0
    np.testing.assert_allclose(shape_cosine(other, truth)[1:3], [np.nan, 0])


def test_energy_is_counted_in_squares():
    deltas = np.zeros((3, 3, 3))
    deltas[0, 0, 0], deltas[0, 1, 2] = 3.0, 4.0
    deltas[1, 2] = 1.0
    support = np.array([[True, False, True], [True, True, False], [False, False, False]])
    np.testing.assert_allclose(energy_outside_support(deltas, support), [16 / 25, 1, 0])


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: vertex_errors_mm(cloud(4), cloud(5)), "expected"),
        (lambda: vertex_errors_mm(cloud(4), cloud(4), np.zeros(4, bool)), "mask"),
        (lambda: vertex_errors_mm(cloud(4), cloud(4), [0, 1]), "mask"),
        (lambda: per_shape_error_mm(cloud(4), cloud(4)), r"\(K, V, 3\)"),
        (lambda: shape_cosine(cloud(2, 4), cloud(3, 4)), "expected"),
        (lambda: energy_outside_support(cloud(2, 4), np.ones((4, 2))), "support"),
        (lambda: summarise([np.nan]), "no errors"),
    ],
)
def test_bad_input_is_named(call, complaint):
    with pytest.raises(InputError, match=complaint):
        call()
