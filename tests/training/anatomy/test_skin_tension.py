"""The runtime's tension, with gradients."""

import numpy as np
import pytest
import torch
from support.small_rig import small_rig

from mien.deform import blend, tension
from mien.errors import InputError
from mien_training.anatomy.skin_tension import SkinTension
from mien_training.head import rig_from_template
from mien_training.templates import load_template

RIG = small_rig()


def measure() -> SkinTension:
    return SkinTension.of(RIG.vertices, RIG.welded[RIG.triangles])


def test_it_is_the_runtimes_on_a_head():
    template = load_template("anny")
    rig, source = rig_from_template(template, "anny")
    weights = np.random.default_rng(0).uniform(0, 1, (3, len(rig.shape_names)))
    weights = weights.astype(np.float32) * (weights < 0.2)
    faces = template.vertices + np.tensordot(weights, template.shape_deltas, 1)
    found = SkinTension.of(template.vertices, template.triangles)(torch.from_numpy(faces))
    expected = tension(rig, blend(rig, weights))
    np.testing.assert_allclose(found[:, source], expected, atol=1e-6)
    assert np.abs(expected).max() > 0.05


def test_rigid_motion_and_size_leave_it_alone():
    rng = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=rng)).Q
    neutral = torch.from_numpy(RIG.vertices).double()
    moved = 2.5 * neutral @ turn.T + torch.tensor([1.0, -2.0, 0.5])
    assert measure()(moved).abs().max() < 1e-9


@pytest.mark.parametrize("away_m", [0.0, 0.01])
def test_slopes_are_those_of_the_lengths(away_m):
    """In the neutral, too, where all ratios are the median."""
    generator = torch.Generator().manual_seed(1)
    shape = torch.from_numpy(RIG.vertices).double()
    shape = shape + away_m * torch.randn(shape.shape, dtype=torch.float64, generator=generator)
    tension_of = measure()
    chosen = torch.arange(20, 30)

    def some(points):
        whole = shape.index_copy(0, chosen, points)
        return tension_of(whole)[15:40]

    assert torch.autograd.gradcheck(
        some, shape[chosen].clone().requires_grad_(), eps=1e-7, atol=1e-4
    )


def test_a_batch_equals_singles():
    frames = torch.from_numpy(
        blend(RIG, np.random.default_rng(2).random((3, len(RIG.shape_names))))
    )
    tension_of = measure()
    batch = tension_of(frames)
    assert torch.equal(batch, torch.stack([tension_of(frame) for frame in frames]))
    assert batch.dtype == torch.float32


@pytest.mark.parametrize("triangles", [np.zeros((0, 3), int), np.array([[0, 1, 2]])])
def test_a_mesh_without_edges_is_refused(triangles):
    with pytest.raises(InputError, match="edge"):
        SkinTension.of(np.zeros((3, 3)), triangles)


def test_a_vertex_that_is_nowhere_spoils_its_neighbours_only():
    vertices = torch.from_numpy(RIG.vertices.copy())
    vertices[45] = torch.nan
    found = measure()(vertices)
    assert 1 < int(found.isnan().sum()) < 12
