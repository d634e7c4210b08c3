"""What was seen is believed, what was not has half of the mean person's detail."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mien_training.detail.fit.evidence import RegionEvidence, region_evidence, with_fallback
from mien_training.detail.fit.linear_fit import Solved
from mien_training.detail.fit.photometric_detail import FittedDetail, shading_evidence
from mien_training.detail.fit.skin_light import estimate_light
from mien_training.detail.wrinkle_regions import REGION_NAMES, region_masks

SIDE = 32


def evidence(frames=5.0, compressed=0.0, stretched=0.0, unexplained=0.1, region="chinLeft"):
    return RegionEvidence(region, frames, compressed, stretched, unexplained)


def everywhere(**values):
    return tuple(evidence(region=name, **values) for name in REGION_NAMES)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"frames": 0.99, "compressed": 1.0}, "not seen"),
        ({"frames": 0.5, "unexplained": 0.9}, "not seen"),
        ({"frames": 1.0, "compressed": 0.5}, "measured"),
        ({"stretched": 0.5}, "measured"),
        ({"compressed": 0.49, "stretched": 0.49}, "static only"),
        ({"unexplained": 0.45, "compressed": 0.6}, "measured"),
        ({"unexplained": 0.46, "compressed": 0.6}, "covered"),
    ],
)
def test_verdicts(values, verdict):
    assert evidence(**values).verdict == verdict


def test_what_one_sided_light_leaves_dark_is_not_seen(observe, wrinkled, footage):
    """Bright left of the image's middle, which is the person's right, all but black beyond."""
    dark = footage.images.copy()
    dark[:, :, dark.shape[2] // 2 :] //= 40
    skin = observe(wrinkled, replace(footage, images=dark), 64)
    frames, side = len(skin.weight), 64
    seen = shading_evidence(skin, estimate_light(skin), side, 6.0)
    fitted = FittedDetail(
        torch.zeros(3, side, side), 0 * seen.observed, Solved(seen.observed, 0, 0.0)
    )
    weights = torch.ones(frames, len(REGION_NAMES))
    found = region_evidence(skin, fitted, weights, fitted.unexplained)
    seen_share = [
        np.mean([e.verdict == "measured" for e in found if e.region.endswith(side)])
        for side in ("Right", "Left")
    ]
    assert seen_share[0] > 0.7 and seen_share[1] < 0.6 * seen_share[0], found


@pytest.fixture(scope="module")
def maps():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, SIDE, SIDE, generator=generator)


def test_the_fit_stands_where_it_is_measured_and_half_the_mean_elsewhere(maps):
    heights, mean = maps
    for values in ({"compressed": 1.0}, {}):
        torch.testing.assert_close(with_fallback(heights, mean, everywhere(**values)), heights)
    for values in ({"frames": 0.0}, {"unexplained": 1.0}):
        torch.testing.assert_close(with_fallback(heights, mean, everywhere(**values)), 0.5 * mean)


def test_each_texel_goes_by_its_region(maps):
    heights, mean = maps
    some = tuple(evidence(9.0 if n.startswith("chin") else 0.0, region=n) for n in REGION_NAMES)
    found = with_fallback(heights, mean, some)
    masks = region_masks(SIDE)
    chin = sum(masks[r] for r, n in enumerate(REGION_NAMES) if n.startswith("chin"))
    share = torch.from_numpy(chin / masks.sum(0))
    torch.testing.assert_close(found, share * heights + (1 - share) * 0.5 * mean)
    assert share.max() > 0.9 > 0.1 > share.min()


def seen_skin(weight):
    """ObservedSkin's part: weights (E, S, S) of all texels."""
    texels = SimpleNamespace(texel=np.arange(SIDE * SIDE))
    return SimpleNamespace(texels=texels, weight=weight.flatten(1))


def test_evidence_counts_frames_movement_and_what_is_left():
    weight = torch.ones(4, SIDE, SIDE)
    weight[3] = 0
    weights = torch.zeros(4, len(REGION_NAMES))
    weights[0, 0], weights[1, 0], weights[3, 1] = -0.8, 0.4, -1.0
    left = torch.full((4, SIDE, SIDE), 0.2)
    fitted = SimpleNamespace(heights=torch.zeros(3, SIDE, SIDE))
    found = region_evidence(seen_skin(weight), fitted, weights, left)
    assert [e.region for e in found] == list(REGION_NAMES)
    for each in found:
        assert each.frames == pytest.approx(3, rel=1e-4)
        assert each.unexplained == pytest.approx(0.2, rel=1e-4)
    assert found[0].compressed == pytest.approx(0.8) and found[0].stretched == pytest.approx(0.4)
    assert found[1].compressed == found[1].stretched == 0
    assert found[0].verdict == "measured" and found[1].verdict == "static only"


def test_what_is_covered_on_one_side_spoils_that_side_only():
    left_half = torch.zeros(2, SIDE, SIDE)
    left_half[:, :, SIDE // 2 :] = 1.0
    fitted = SimpleNamespace(heights=torch.zeros(3, SIDE, SIDE))
    weights = torch.zeros(2, len(REGION_NAMES))
    found = region_evidence(seen_skin(torch.ones_like(left_half)), fitted, weights, left_half)
    verdicts = {e.region: e.verdict for e in found}
    assert verdicts["cheekLeft"] == "covered" and verdicts["cheekRight"] == "static only"
