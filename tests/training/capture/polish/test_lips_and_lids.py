"""The tracker's points move lips and lids across the normals, as far as it is believed."""

import numpy as np
import pytest

from mien_training.cameras import project
from mien_training.capture.polish.lips_and_lids import lip_and_lid_displacement
from mien_training.geometry.alignment import fit_alignment


@pytest.fixture(scope="module")
def told(scene, prior):
    """The displacement that points told of a mesh ask for."""
    normals = scene.normals[prior.nodes].astype(np.float64)

    def displacement(vertices, points_mm):
        where = scene.template.landmarks
        at = where.positions(scene.truth.astype(np.float32), scene.template.triangles)
        at = at + 1e-3 * np.asarray(points_mm)
        seen = np.stack([project(camera, at)[0] for camera in scene.cameras])
        turn = fit_alignment(scene.template.vertices, scene.truth).rotation
        return lip_and_lid_displacement(
            scene.template, vertices, turn, normals, seen, scene.cameras, prior
        )

    return displacement


def test_a_slid_mouth_comes_back(scene, prior, told):
    lips = scene.template.regions["lips"][prior.nodes]
    near = np.exp(
        -((scene.truth - scene.truth[prior.nodes][lips].mean(0)) ** 2).sum(1) / (2 * 0.03**2)
    )
    slid = scene.truth + near[:, None] * [0.002, 0, 0]
    moved = told(slid, 0.0)

    def error(nodes):
        off = nodes - scene.truth[prior.nodes]
        return np.linalg.norm(off[lips], axis=1).mean()

    assert error(slid[prior.nodes] + moved) < 0.8 * error(slid[prior.nodes])
    normals = scene.normals[prior.nodes]
    assert np.abs((moved * normals).sum(1)).max() < 1e-6


def test_points_that_agree_move_nothing(scene, told):
    assert np.abs(told(scene.truth, 0.0)).max() < 2e-5


def test_a_tracker_that_misses_the_whole_face_is_not_believed(scene, told):
    rng = np.random.default_rng(0)
    rough = rng.standard_normal((478, 3))
    little = np.linalg.norm(told(scene.truth, 8 * rough), axis=1).mean()
    assert little < 1.5e-3


def test_without_points_nothing_moves(scene, prior, told):
    nothing = np.full((5, 478, 2), np.nan)
    turn, normals = np.eye(3), scene.normals[prior.nodes].astype(np.float64)
    found = lip_and_lid_displacement(
        scene.template, scene.truth, turn, normals, nothing, scene.cameras, prior
    )
    assert not found.any()
