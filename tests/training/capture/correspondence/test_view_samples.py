"""Samples are what they say: labels of the crop itself, heads as far off as asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.capture.correspondence.view_samples import (
    SampleSpec,
    crop_place,
    draw_samples,
)
from mien_training.capture.localisation.head_crops import crop_cameras

SPEC = SampleSpec(side=64)


def sampled(seen_head, anny, spec, seed=0):
    views = [(seen_head, c) for c in range(4)]
    return draw_samples(views, anny, spec, np.random.default_rng(seed))


def test_a_seed_gives_one_sample(seen_head, anny):
    one, two, other = (sampled(seen_head, anny, SPEC, s) for s in (0, 0, 1))
    assert torch.equal(one.images, two.images)
    assert not torch.equal(one.images, other.images)


def test_labels_agree_with_the_moment_s_own(seen_head, anny):
    found = sampled(seen_head, anny, replace(SPEC, wide=0, off_m=0, scale=0))
    labels = found.labels
    assert (labels.skin <= labels.bare).all() and (labels.bare <= labels.there).all()
    for c in range(4):
        share = float(labels.skin[c].float().mean()) / float(seen_head.mask[c].mean())
        assert 0.2 < share < 5
        theirs = np.median(seen_head.canonical[c][seen_head.mask[c]], axis=0)
        own = labels.canonical[c][labels.skin[c]].median(0).values.numpy()
        assert np.abs(own - theirs).max() < 0.01
        length = labels.normals[c][labels.there[c]].norm(dim=-1)
        torch.testing.assert_close(length, torch.ones_like(length))
        # Camera axes: what is seen faces the camera.
        assert float((labels.normals[c][labels.skin[c]][:, 2] < 0).float().mean()) > 0.95


def middles(seen_head, anny, spec):
    """(4, 2) where skin is in the middle, as a share of the crop's side, and its share of it."""
    skin = sampled(seen_head, anny, spec).labels.skin.float()
    grid = torch.linspace(0, 1, skin.shape[1])
    total = skin.sum((1, 2))
    down, across = ((skin.sum(axis) @ grid) / total for axis in (2, 1))
    return torch.stack([across, down], 1), skin.mean((1, 2))


def test_heads_that_are_located_are_in_the_middle_and_upright(seen_head, anny):
    exact = replace(SPEC, located=1.0, wide=0.0, off_m=0.0, scale=0.0, roll_rad=0.0)
    (steady, size), (moved, _) = (
        middles(seen_head, anny, spec) for spec in (exact, replace(exact, off_m=0.03))
    )
    assert float((steady - moved).abs().max()) > 0.03
    larger = middles(seen_head, anny, replace(exact, located=0.0, wide=1.0, aside=0.0))[1]
    assert (larger < size).all()


def test_a_head_on_its_side_is_turned_upright_once_it_is_located(seen_head, anny):
    """A camera mounted on its side sees the same, a quarter turn aside, until then."""
    quarter = np.eye(4)
    quarter[:2, :2] = [[0, -1], [1, 0]]
    exact = replace(SPEC, wide=0.0, off_m=0.0, scale=0.0, roll_rad=0.0)

    def up(located, turn):
        cameras = tuple(
            replace(c, camera_from_world=turn @ c.camera_from_world) for c in seen_head.cameras
        )
        pose = seen_head.world_from_head[:3, 1]
        rng = np.random.default_rng(0)
        spec, moment = replace(exact, located=located), replace(seen_head, cameras=cameras)
        found = []
        for n in range(4):
            (crop,) = crop_cameras([cameras[n]], *crop_place(moment, n, spec, rng))
            found.append(crop.camera.camera_from_world[:3, :3] @ pose)
        return np.array(found)

    np.testing.assert_allclose(up(1.0, quarter), up(1.0, np.eye(4)), atol=1e-9)
    assert (up(1.0, quarter)[:, 1] < -0.5).all()
    assert (np.abs(up(0.0, quarter)[:, 0]) > 0.5).all()


def test_shares_above_one_are_refused():
    with pytest.raises(InputError, match=r"located 0\.7, wide 0\.5"):
        SampleSpec(located=0.7, wide=0.5)
