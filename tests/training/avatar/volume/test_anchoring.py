"""Points know their anchors: laws that hold for the four nearest and for the surface."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.avatar.volume.anchoring import (  # noqa: E402
    REACH_M,
    NearestAnchors,
    SurfaceAnchors,
)
from mien_training.avatar.volume.shell import SKIN_M  # noqa: E402


@pytest.fixture(scope="module", params=["nearest", "surface"])
def anchoring(request, ball_atlas, head_template):
    if request.param == "nearest":
        return NearestAnchors(ball_atlas, 64, False, 4)
    return SurfaceAnchors(ball_atlas, 64, torch.full((len(head_template.vertices),), SKIN_M))


@pytest.fixture(scope="module")
def points(head_template):
    rng = np.random.default_rng(2)
    at = head_template.vertices[rng.integers(1000, size=300)] + rng.normal(0, 0.004, (300, 3))
    return torch.from_numpy(at.astype(np.float32))


def vertices_of(template):
    return torch.from_numpy(template.vertices)


def test_shares_sum_to_one_and_heights_are_those_of_the_ball(anchoring, head_template, points):
    near = anchoring.pose(vertices_of(head_template)).nearby(points)
    torch.testing.assert_close(near.shares.sum(1), torch.ones(len(points)))
    if near.blend is not None:
        torch.testing.assert_close(near.blend.sum(2), torch.ones(len(points), 1))
    alone = points[:, 2] < 0.02  # away from the other balls
    true = points.norm(dim=1) - 0.09
    assert (near.heights - true)[alone].abs().max() < 0.0015
    assert (near.presence[true.abs() < 0.008] == 1).all()


def test_rigid_motion_of_all_changes_nothing(anchoring, head_template, points):
    turn = torch.linalg.matrix_exp(torch.tensor([[0, -0.4, 0.3], [0.4, 0, 0.2], [-0.3, -0.2, 0]]))
    move = torch.tensor([0.1, -0.2, 0.05])
    v = vertices_of(head_template)
    here = anchoring.pose(v).nearby(points)
    there = anchoring.pose(v @ turn.T + move).nearby(points @ turn.T + move)
    same = (here.rows == there.rows).flatten(1).all(1)
    assert same.float().mean() > 0.98  # as near as each other
    torch.testing.assert_close(here.offsets[same], there.offsets[same], atol=1e-5, rtol=0)
    torch.testing.assert_close(here.shares[same], there.shares[same], atol=2e-3, rtol=0)


def test_far_away_there_is_nothing(anchoring, head_template):
    v = vertices_of(head_template)
    far = torch.tensor([[0.0, 0.09 + REACH_M + SKIN_M, 0], [1, 1, 1], [0, -0.3, 0]])
    near = anchoring.pose(v).nearby(far)
    assert (near.presence == 0).all() and torch.isfinite(near.offsets).all()


def test_the_table_is_the_map_where_anchors_are(ball_atlas, head_template):
    maps = torch.rand(2, 4, 64, 64)
    anchors = NearestAnchors(ball_atlas, 64, False, 4)
    table = anchors.table(maps)
    torch.testing.assert_close(table, anchors.anchors.sample(maps))
    # A finer map, in which four texels are one: its values at the same places.
    finer = maps.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(anchors.table(finer), table)


def test_on_the_surface_texels_are_met(ball_atlas, head_template):
    thick = torch.full((len(head_template.vertices),), SKIN_M)
    anchors = SurfaceAnchors(ball_atlas, 64, thick)
    maps = torch.rand(1, 4, 64, 64)
    posed = anchors.pose(vertices_of(head_template))
    near = posed.nearby(posed.poses.positions)
    found = (anchors.table(maps)[0][near.rows[:, 0]] * near.blend[:, 0, :, None]).sum(1)
    apart = (found - anchors.anchors.sample(maps)[0]).abs().amax(1)
    assert apart.quantile(0.9) < 1e-3  # balls touch: some texels lie within another


def test_gradients_reach_the_points(anchoring, head_template, points):
    posed = anchoring.pose(vertices_of(head_template))
    at = points[:5].clone().requires_grad_(True)
    near = posed.nearby(at)
    (near.offsets.square().sum(-1) * near.shares).sum().backward()
    assert torch.isfinite(at.grad).all() and (at.grad.abs().sum(1) > 0).all()


def test_layers_stand_above_the_scalp_and_have_own_features(anny_atlas, anny):
    anchors = NearestAnchors(anny_atlas, 64, True, 4)
    texels = len(anchors.anchors.texel)
    assert len(anchors.lift_m) == texels + 4 * len(anchors.chosen)
    with torch.no_grad():
        anchors.own += 1.0
    maps = torch.rand(1, 4, 64, 64)
    table = anchors.table(maps)
    torch.testing.assert_close(
        table[0, texels : texels + len(anchors.chosen)], table[0, anchors.chosen] + 1
    )
    posed = anchors.pose(torch.from_numpy(anny.vertices))
    top = posed.poses.positions[-1:]
    near = posed.nearby(top + torch.tensor([[0.0, 0.003, 0.0]]))
    assert float(near.heights) == pytest.approx(0.05, abs=0.012) and float(near.presence) == 1
