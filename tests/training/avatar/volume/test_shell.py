"""Rays pass the shell where the mesh says, and no part of the head lies outside it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.avatar.volume.shell import BELOW_M, SKIN_M, Shell  # noqa: E402
from mien_training.cameras import look_at_camera  # noqa: E402

SIDE = 48


def test_a_ball_is_entered_and_left_where_geometry_says(head_template):
    """The big ball alone: near is one shell before it, far a little below its surface, or behind
    the swollen ball where that alone is met."""
    from dataclasses import replace

    vertices = head_template.vertices.copy()
    rest = np.arange(len(vertices)) >= 24 * 48 - 48 + 2
    assert np.abs(np.linalg.norm(vertices[~rest], axis=1) - 0.09).max() < 1e-6
    vertices[rest] *= 1e-3
    ball = replace(head_template, vertices=vertices)
    camera = look_at_camera(np.array([0.0, 0, 1]), np.zeros(3), 0.25, SIDE, SIDE)
    rays = Shell(ball, hair=False).rays(torch.from_numpy(vertices), camera, SIDE)
    d = rays.directions.double()
    along = -(d @ rays.origin.double())
    aside = (rays.origin.double() + along[:, None] * d).norm(dim=1)
    torch.testing.assert_close(d.norm(dim=1), torch.ones(len(d)).double(), atol=1e-6, rtol=0)
    outer = 0.09 + SKIN_M
    wanted = along - (outer**2 - aside**2).clamp_min(0).sqrt()
    deep = aside < 0.075
    assert (rays.near.double() - wanted)[deep].abs().max() < 0.0015  # the ball has edges
    hit = along - (0.09**2 - aside**2).clamp_min(0).sqrt()
    assert (rays.far.double() - hit - BELOW_M)[deep].abs().max() < 0.0015
    rim = (aside > 0.0905) & (aside < 0.094)
    behind = along + (outer**2 - aside**2).clamp_min(0).sqrt()
    assert rim.any() and (rays.far.double() - behind)[rim].abs().max() < 0.006
    assert (aside < outer + 1e-4).all() and (aside < 0.075).sum() > 500


def test_pixels_are_those_of_the_camera(head_template):
    camera = look_at_camera(np.array([0.3, 0.1, 0.9]), np.zeros(3), 0.25, SIDE, SIDE)
    rays = Shell(head_template, hair=False).rays(
        torch.from_numpy(head_template.vertices), camera, SIDE
    )
    points = rays.points(torch.full((len(rays), 1), 0.8))[:, 0].double().numpy()
    seen = points @ camera.camera_from_world[:3, :3].T + camera.camera_from_world[:3, 3]
    pixel = seen @ camera.K.T
    at = pixel[:, :2] / pixel[:, 2:] - 0.5
    np.testing.assert_allclose(at[:, 0] + SIDE * at[:, 1], rays.pixels.numpy(), atol=2e-2)
    assert len(rays.only(slice(0, 7))) == 7


def test_all_layers_of_hair_lie_inside(anny):
    from mien_training.rendering.paint.face_frame import FaceFrame

    shell = Shell(anny, hair=True)
    bare = Shell(anny, hair=False)
    assert float(shell.thickness_m.max()) > 0.06 and float(bare.thickness_m.max()) < 0.009
    frame = FaceFrame.of(anny, anny.vertices)
    q = frame.local(anny.vertices.astype(np.float32))
    face = (q[:, 1] < 0.2) & (q[:, 1] > -2) & (np.abs(q[:, 0]) < 0.8)
    face &= anny.vertices[:, 2] > frame.middle[2]
    assert float(shell.thickness_m[face].max()) == pytest.approx(SKIN_M)
