"""Four nearest anchors by Warp: as a search of all of them finds them."""

import numpy as np
import pytest
from support.rigs import sphere_rig
from support.volume_avatars import sphere_volume

pytest.importorskip("warp", reason="warp-lang is not installed (extra `avatar`)")

from mien.avatar.volume.nearby import PosedAnchors

RIG = sphere_rig()
MODEL = sphere_volume(RIG).model


def test_it_is_what_a_search_of_all_finds():
    rng = np.random.default_rng(0)
    directions = rng.normal(0, 1, (60, 3)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origin = RIG.vertices.mean(0)
    t = np.sort(rng.uniform(0.02, 0.25, (60, 7)), 1).astype(np.float32)
    found = PosedAnchors(MODEL, RIG.vertices).nearby(origin, directions, t)
    points = origin + t[..., None] * directions[:, None]
    poses = MODEL.pose(RIG.vertices)
    away = points[..., None, :] - poses.positions
    distance = np.linalg.norm(away, axis=-1)
    nearest = np.sort(distance, -1)[..., :4]
    there = nearest <= MODEL.reach_m
    assert 0.05 < there[..., 0].mean() < 0.95 and 0.01 < (there.sum(-1) % 4 > 0).mean()
    mine = np.take_along_axis(distance, found.index.astype(int), -1)
    np.testing.assert_allclose(mine[there], nearest[there], atol=1e-6)
    weights = there / nearest
    shares = weights / np.maximum(weights.sum(-1, keepdims=True), 1e-12)
    np.testing.assert_allclose(found.shares, shares, atol=1e-4)
    frames = poses.rotations[found.index]
    at = points[..., None, :] - poses.positions[found.index]
    local = np.einsum("rskij,rski->rskj", frames, at)
    np.testing.assert_allclose(found.offsets[there], local[there], atol=1e-5)
    heights = (shares * (local[..., 2] + MODEL.lift_m[found.index])).sum(-1)
    np.testing.assert_allclose(found.heights, heights, atol=1e-5)
    presence = ((MODEL.reach_m - nearest[..., 0]) / MODEL.fade_m).clip(0, 1)
    np.testing.assert_allclose(found.presence, presence, atol=1e-4)
