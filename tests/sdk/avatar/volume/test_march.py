"""A picture is a sum along rays: of fields that are known, whatever the order in which they are
asked."""

import numpy as np
import pytest
from support.rigs import sphere_rig
from support.volume_avatars import sphere_volume

pytest.importorskip("warp", reason="warp-lang is not installed (extra `avatar`)")

from mien.avatar.volume import march as module
from mien.avatar.volume.march import march
from mien.avatar.volume.nearby import PosedAnchors
from mien.avatar.volume.shell_rays import Rays

RIG = sphere_rig()
MODEL = sphere_volume(RIG).model
TABLE = np.random.default_rng(0).random((len(MODEL), 3)).astype(np.float32)


class Fog:
    """Density alike everywhere; colours are the first nearest anchor's."""

    def __init__(self, density: float) -> None:
        self.density, self.asked = density, 0

    def coarse(self, offsets, features, shares, heights, presence):
        return np.full(len(heights), self.density, np.float32)

    def field(self, offsets, features, shares, heights, presence, view):
        self.asked += len(heights)
        np.testing.assert_allclose(np.linalg.norm(view, axis=1), 1, atol=1e-5)
        return np.full(len(heights), self.density, np.float32), features[:, 0]


def rays(count=30):
    """From the side through the skin, all within reach of anchors."""
    rng = np.random.default_rng(1)
    normals = MODEL.pose(RIG.vertices).rotations[:20, :, 2]
    places = MODEL.pose(RIG.vertices).positions[:20]
    at = places[rng.integers(20, size=count)]
    origin = places[0] + 0.2 * normals[0]
    directions = at - origin
    far = np.linalg.norm(directions, axis=1)
    directions = (directions / far[:, None]).astype(np.float32)
    return Rays(
        np.arange(count), origin.astype(np.float32), directions,
        (far - 0.01).astype(np.float32), (far + 0.01).astype(np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("density", [0.5, 30.0])
def test_fog_of_one_density_lets_through_what_the_formula_says(density):
    anchors, through = PosedAnchors(MODEL, RIG.vertices), rays()
    image = march(Fog(density), (TABLE, TABLE), anchors, through, (5, 6))
    expected = 1 - np.exp(-density * (through.far - through.near))
    np.testing.assert_allclose(image[:, 3], expected, rtol=1e-4)
    assert (image[:, :3] <= image[:, 3:] + 1e-6).all() and image[:, 0].std() > 0


def test_rays_in_parts_are_rays_together(monkeypatch):
    anchors, through = PosedAnchors(MODEL, RIG.vertices), rays()
    whole = march(Fog(100.0), (TABLE, TABLE), anchors, through, (5, 6))
    for name, value in {"_RAYS": 7, "_SLAB": 3, "_SAMPLES": 11}.items():
        monkeypatch.setattr(module, name, value)
    parts = march(Fog(100.0), (TABLE, TABLE), anchors, through, (5, 6))
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_nothing_is_asked_where_nothing_can_be_seen():
    anchors, through = PosedAnchors(MODEL, RIG.vertices), rays()
    empty, thick, thin = Fog(0.0), Fog(1e5), Fog(10.0)
    images = [march(f, (TABLE, TABLE), anchors, through, (8, 8)) for f in (empty, thick, thin)]
    assert empty.asked == 0 and (images[0] == 0).all()
    assert thick.asked < thin.asked == 16 * len(through)
    np.testing.assert_allclose(images[1][:, 3], 1, atol=1e-3)
