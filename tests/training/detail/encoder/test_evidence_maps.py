"""Evidence counts images alike, whatever their order, and falls silent where nothing was seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien_training.detail.encoder.evidence_maps import CHANNELS, evidence_maps
from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.detail.fit.photometric_detail import ShadingEvidence


@pytest.fixture(scope="module")
def case(sample, small_basis):
    heights = 1e-3 * torch.from_numpy(sample.fits_mm[0].astype(np.float32))
    return (*sample.evidence(0), heights, DetailModel(small_basis))


def test_one_stack_of_finite_maps(case):
    maps = evidence_maps(*case)
    assert maps.shape == (CHANNELS, 64, 64) and torch.isfinite(maps).all()
    assert float(maps.abs().max()) < 100
    informative = maps.flatten(1).std(1) > 1e-3
    assert informative.all(), (~informative).nonzero()


def test_order_does_not_matter(case):
    seen, press, pull, heights, model = case
    order = torch.tensor([2, 0, 1])
    turned = ShadingEvidence(seen.observed[order], seen.known[order], seen.response[order])
    found = evidence_maps(turned, press[order], pull[order], heights, model)
    torch.testing.assert_close(found, evidence_maps(*case), atol=1e-4, rtol=1e-4)


def test_unseen_images_say_nothing(case):
    seen, press, pull, heights, model = case
    blind = replace(seen, known=torch.zeros_like(seen.known))
    other = replace(blind, observed=torch.randn_like(seen.observed))
    a, b = (evidence_maps(s, press, pull, heights, model) for s in (blind, other))
    torch.testing.assert_close(a, b)
    assert not a[3:22].any()


def test_a_perfect_fit_leaves_nothing_to_project_back(case):
    seen, press, pull, heights, model = case
    perfect = replace(seen, observed=seen.shaded(heights, press, pull))
    assert evidence_maps(perfect, press, pull, heights, model)[3:9].abs().max() < 1e-5
