"""Free nodes: smooth where they are free, zero where they are not."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.anatomy.soft_tissue import soft_tissue_graph
from mien_training.geometry.deformation_graph import DeformationGraph
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module", params=["interior", "surface", "none"])
def nodes(request, template):
    return soft_tissue_graph(template, request.param)


def test_linear_and_only_on_skin_and_mouth(template, nodes):
    u = torch.randn(2, nodes.count, 3, generator=torch.Generator().manual_seed(1))
    a, b = nodes(u[:1]), nodes(u[1:])
    torch.testing.assert_close(nodes(2 * u[:1] - u[1:]), 2 * a - b, atol=1e-4, rtol=1e-3)
    rigid = np.logical_or.reduce([template.regions[r] for r in ("eyes", "teeth", "tongue")])
    assert not a[0, rigid].any()
    assert (a[0, template.regions["skin"]] != 0).any(1).all()


def test_one_coordinate_moves_a_neighbourhood(template):
    middle = int(np.argmax(template.vertices[:, 2] * template.regions["skin"]))  # the nose
    heights = {}
    for smoothing in ("none", "surface"):
        nodes = soft_tissue_graph(template, smoothing)
        u = torch.zeros(1, nodes.count, 3)
        u[0, (nodes.vertex == middle).nonzero()[0, 0], 2] = 1.0
        moved = nodes(u)[0, :, 2]
        assert int(moved.argmax()) == middle
        heights[smoothing] = int((moved > 0.1 * moved.max()).sum())
    assert heights["none"] == 1 and heights["surface"] > 10


def test_ties_join_lips_to_the_mouth_and_leave_lips_apart(template):
    """Interior nodes are unknowns of their own, and not vertices."""
    nodes = soft_tissue_graph(template, "interior")
    assert nodes.count > len(nodes.vertex)
    u = torch.zeros(1, nodes.count, 3)
    u[0, len(nodes.vertex) :, 1] = 1.0
    moved = nodes(u)[0, :, 1]
    assert moved[template.regions["skin"]].abs().max() > 0  # what is inside carries the skin


def test_what_no_shape_moves_stays(template):
    nodes = soft_tissue_graph(template, "surface", moving_m=1e-3)
    everywhere = soft_tissue_graph(template, "surface")
    assert nodes.count < everywhere.count
    moved = nodes(torch.ones(1, nodes.count, 3))[0].norm(dim=1).numpy()
    reach = np.linalg.norm(template.shape_deltas, axis=2).max(0)
    far = template.regions["skin"] & (reach < 1e-5) & (template.vertices[:, 2] < -0.03)
    assert far.any() and not moved[far].any()
    assert (moved[(reach > 2e-3) & template.regions["skin"]] > 0).all()


def test_bad_tables_are_refused():
    with pytest.raises(InputError, match="DeformationGraph"):
        DeformationGraph(np.array([3, 1]), 5, 9, lambda u: u)
    with pytest.raises(InputError, match="DeformationGraph"):
        DeformationGraph(np.array([1, 3]), 1, 9, lambda u: u)
