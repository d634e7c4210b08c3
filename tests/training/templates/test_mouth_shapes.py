"""The mathematics of the mouth's own shapes, on motions and meshes whose answer is known."""

import numpy as np
from scipy.spatial.transform import Rotation

from mien_training.templates.mouth_shapes import (
    Gap,
    part_of_swing,
    smooth_between,
    tongue_out,
)


def test_part_of_a_swing_is_the_same_hinge_turned_less():
    points = np.random.default_rng(0).normal(size=(50, 3))
    hinge, axis = np.array([0.3, 1.0, -0.2]), np.array([1.0, 0.0, 0.0])

    def turned(angle):
        return Rotation.from_rotvec(angle * axis).apply(points - hinge) + hinge - points

    np.testing.assert_allclose(part_of_swing(points, turned(0.4), 0.25), turned(0.1), atol=1e-9)
    np.testing.assert_allclose(part_of_swing(points, turned(0.4), 1.0), turned(0.4), atol=1e-9)
    slide = np.broadcast_to([0.0, 0.2, -0.1], points.shape)
    np.testing.assert_allclose(part_of_swing(points, slide, 0.5), 0.5 * slide, atol=1e-9)


def test_tongue_lies_along_its_line_and_is_flat_between_the_teeth():
    """A round sausage comes out flat, symmetric, longer, with its tip before and below the gap."""
    along, around = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 2 * np.pi, 25)[:-1])
    end = np.sqrt(1 - np.clip((along - 0.8) / 0.2, 0, 1) ** 2)
    tongue = np.stack(
        [0.018 * end * np.cos(around), 0.07 + 0.007 * end * np.sin(around), 0.05 + 0.07 * along],
        -1,
    ).reshape(-1, 3)
    gap = Gap(0.065, 0.14)
    out = tongue_out(tongue, gap)
    assert np.isfinite(out).all()
    mirrored = out * [-1, 1, 1]
    assert np.linalg.norm(mirrored[:, None] - out[None], axis=2).min(1).max() < 1e-6
    teeth = out[np.abs(out[:, 2] - (gap.front - 0.0145)) < 0.003]
    assert np.ptp(teeth[:, 1]) < 0.007 and np.ptp(tongue[:, 1]) > 0.013
    tip = out[tongue[:, 2] > 0.119]
    assert (tip[:, 2] > gap.front + 0.003).all() and (tip[:, 1] < gap.height - 0.008).all()


def test_free_vertices_bend_as_little_as_may_be():
    """On a strip held at both ends by a straight motion, the free middle is straight as well."""
    x, y = np.meshgrid(np.arange(12), np.arange(3), indexing="ij")
    number = np.arange(36).reshape(12, 3)
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    triangles = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    straight = np.stack([0.1 * x, 0 * y, -0.2 * x], -1).reshape(-1, 3).astype(float)
    free = ((x > 2) & (x < 9)).ravel()
    rough = straight + free[:, None] * np.random.default_rng(1).normal(size=(36, 3))
    smooth = smooth_between(triangles, rough, free)
    np.testing.assert_array_equal(smooth[~free], straight[~free])
    bend = np.abs(np.diff(smooth.reshape(12, 3, 3)[:, 1], n=2, axis=0)).max()
    assert bend < 0.05 < np.abs(np.diff(rough.reshape(12, 3, 3)[:, 1], n=2, axis=0)).max()
