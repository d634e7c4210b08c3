"""Shares of the atlas sum to one, groups get theirs, and what is seen is never starved."""

import numpy as np

from mien_training.avatar.anchors.importance import GROUP_SHARES, triangle_groups, wanted_areas


def test_areas(anny):
    seen = np.random.default_rng(0).random(len(anny.triangles)) < 0.6
    groups, wanted = triangle_groups(anny), wanted_areas(anny, seen)
    np.testing.assert_allclose(wanted.sum(), 1)
    present = sum(share for name, share in GROUP_SHARES.items() if name != "mouthSheet")
    for name in set(groups):
        inside = groups == name
        np.testing.assert_allclose(wanted[inside].sum(), GROUP_SHARES[name] / present)
        assert wanted[inside & seen].min() > 0.4 * wanted[inside & seen].mean()
        assert wanted[inside & ~seen].mean() < wanted[inside & seen].mean()
    assert wanted.min() > 0


def test_each_eye_is_its_own_group(anny):
    groups = triangle_groups(anny)
    x = anny.vertices[anny.triangles][:, :, 0].mean(1)
    assert x[groups == "leftEye"].min() > 0 > x[groups == "rightEye"].max()
