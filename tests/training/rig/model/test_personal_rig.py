"""The unknowns of a rig: zero is the template, and everything is where it is said to be."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien_training.anatomy.soft_tissue import soft_tissue_graph
from mien_training.head import Template
from mien_training.rig.model.motion import Motion
from mien_training.rig.model.personal_rig import PersonalRig, ShapePrior
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def template() -> Template:
    return load_template("anny")


@pytest.fixture
def rig(template):
    nodes = [soft_tissue_graph(template, "none") for _ in range(2)]
    return PersonalRig(template, *nodes, ShapePrior())


def test_zero_unknowns_are_the_template(template, rig):
    neutral, deltas = rig.arrays()
    np.testing.assert_array_equal(neutral, template.vertices)
    np.testing.assert_array_equal(deltas, template.shape_deltas)


def test_a_person_of_the_template_is_reached_by_identity_alone(template, rig):
    c = np.random.default_rng(3).standard_normal(len(template.identity.modes)).clip(-2.5, 2.5)
    with torch.no_grad():
        rig.identity.copy_(torch.from_numpy(c))
    neutral, _ = rig.arrays()
    np.testing.assert_allclose(neutral, template.vertices + template.identity.sample(3), atol=1e-6)


def test_unknowns_move_their_own_shape_and_its_mirror_image(template, rig):
    k = template.shape_names.index("mouthSmileLeft")
    vertex = int(np.linalg.norm(template.shape_deltas[k], axis=1).argmax())
    row = int((rig.shape_nodes.vertex == vertex).nonzero()[0])
    with torch.no_grad():
        rig.u_shapes[k, row, 1] = 2.0
    neutral, deltas = rig.arrays()
    change = deltas - template.shape_deltas
    other = template.shape_names.index("mouthSmileRight")
    assert np.flatnonzero(np.abs(change).max((1, 2))).tolist() == sorted([k, other])
    # Without smoothing, 2 standard deviations of a fifth of the template's motion, shared.
    far = np.linalg.norm(template.shape_deltas[k, vertex])
    both = change[[k, other], [vertex, template.mirror[vertex]], 1]
    assert np.hypot(*both) == pytest.approx(0.4 * far, rel=0.02) and both[0] > 0.5 * both[1] > 0
    kept = rig(personal_shapes=False)
    assert torch.equal(kept.deltas, rig.template_deltas)
    np.testing.assert_array_equal(kept.neutral.detach().numpy(), neutral)


@pytest.mark.parametrize(("cameras", "usual"), [(1, 0.2 / 3), (3, 0.2), (20, 1.0)])
def test_around_the_eyes_less_of_the_evidence_counts(template, rig, cameras, usual):
    found = rig.evidence(cameras).numpy()
    np.testing.assert_allclose(np.unique(found), [rig.prior.around_eyes, usual], rtol=1e-6)
    less = found < usual / 2
    assert less[template.regions["lids"] | template.regions["eyes"]].all()
    assert not less[template.regions["lips"]].any()
    assert 0.02 < less[template.regions["skin"]].mean() < 0.3
    assert less[template.regions["brows"]].mean() < 0.5  # brows slide over nothing


def test_evidence_that_counts_little_counts_no_more_around_the_eyes(template):
    nodes = [soft_tissue_graph(template, "none") for _ in range(2)]
    rig = PersonalRig(template, *nodes, ShapePrior(evidence_weight=0.03))
    assert rig.evidence(1).unique().tolist() == pytest.approx([0.01])


@pytest.mark.parametrize("smoothing", ["none", "surface"])
def test_shapes_stray_as_far_as_the_prior_says_and_where_the_template_moves(template, smoothing):
    neutral, shapes = (soft_tissue_graph(template, smoothing, moving_m=m) for m in (None, 5e-4))
    rig = PersonalRig(template, neutral, shapes, ShapePrior(share=0.3))
    torch.manual_seed(0)
    change = rig.shape_changes(torch.randn(rig.u_shapes.shape)).numpy()
    far = np.linalg.norm(template.shape_deltas, axis=2)
    assert not change[far == 0].any()
    free = np.zeros(len(template.vertices), bool)
    free[shapes.vertex.numpy()] = True
    member = (far > 1e-3) & free
    assert (change[member] / far[member, None]).std() == pytest.approx(0.3, rel=0.1)


def test_one_sided_is_the_share_that_left_and_right_do_not_have_in_common(template):
    nodes = soft_tissue_graph(template, "none")
    rig = PersonalRig(template, nodes, nodes, ShapePrior(one_sided=0.25))
    torch.manual_seed(0)
    change = rig.shape_changes(torch.randn(rig.u_shapes.shape))
    flip = torch.tensor([-1.0, 1.0, 1.0])
    mirrored = change[rig.mirror_shape][:, rig.mirror_vertex] * flip
    # Sums of both have (2 - s) of twice the energy, differences have s.
    apart = (change - mirrored).square().mean() / (2 * change.square().mean())
    assert float(apart) == pytest.approx(0.25, rel=0.1)


def test_without_meaning_every_shape_may_change_everywhere(template):
    nodes = soft_tissue_graph(template, "none")
    rig = PersonalRig(template, nodes, nodes, ShapePrior(semantic_prior=False))
    k = template.shape_names.index("browInnerUp")
    lip = int(np.flatnonzero(template.regions["lips"] & template.regions["skin"])[0])
    row = int((rig.shape_nodes.vertex == lip).nonzero()[0])
    u = torch.zeros(rig.u_shapes.shape)
    u[k, row, 2] = 1.0
    change = rig.shape_changes(u)
    assert float(change[k, lip, 2]) == pytest.approx(0.0006, rel=0.02)
    assert int(change.count_nonzero()) == 1


@pytest.mark.parametrize("people", [False, True])
def test_unknowns_that_are_taken_change_the_rig_as_announced(template, people):
    nodes = soft_tissue_graph(template, "surface")
    rig = PersonalRig(template, nodes, soft_tissue_graph(template, "none"), ShapePrior())
    torch.manual_seed(0)
    with torch.no_grad():
        rig.u_shapes.copy_(torch.randn(rig.u_shapes.shape))
        rig.u_neutral.copy_(1e-3 * torch.randn(rig.u_neutral.shape))
        before, now = rig(), rig.unknowns(people)
        step = torch.randn(len(now))
        assert len(now) == rig.u_shapes.numel() + rig.u_neutral.numel() + people * len(rig.identity)
        changes = rig.changes(step)
        rig.take(now + step)
        after = rig()
        rig.take(step, neutral=False)
        torch.testing.assert_close(rig().neutral, after.neutral)
        torch.testing.assert_close(
            rig().deltas - rig.template_deltas, changes[:-1], atol=1e-6, rtol=1e-5
        )
    torch.testing.assert_close(after.neutral - before.neutral, changes[-1], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(after.deltas - before.deltas, changes[:-1], atol=1e-6, rtol=1e-5)


def test_a_standard_normal_change_of_the_neutral_is_millimetres(template):
    nodes = soft_tissue_graph(template, "surface")
    rig = PersonalRig(template, nodes, soft_tissue_graph(template, "none"), ShapePrior())
    torch.manual_seed(0)
    step = torch.zeros_like(rig.unknowns())
    first = rig.u_shapes.numel()
    step[first:] = torch.randn(rig.u_neutral.numel())
    moved = rig.changes(step)[-1][nodes.vertex]
    assert float(moved.square().mean().sqrt()) == pytest.approx(0.0015, rel=0.1)


def test_a_neutral_that_moves_takes_eyes_and_teeth_along(template, rig):
    with torch.no_grad():
        rig.u_neutral[:] = torch.tensor([0.0, 0.002, 0.001])
    neutral, _ = rig.arrays()
    moved = neutral - template.vertices
    for region in ("eyes", "teeth", "tongue", "skin"):
        np.testing.assert_allclose(
            moved[template.regions[region]].mean(0), [0, 0.002, 0.001], atol=1e-5, err_msg=region
        )


def test_faces_are_blended_then_turned_then_moved(template, rig):
    rng = np.random.default_rng(0)
    w = rng.random((3, len(template.shape_names))).astype(np.float32)
    turn, move = rng.normal(0, 0.4, (3, 3)), rng.normal(0, 0.2, (3, 3))
    motion = Motion(
        torch.from_numpy(w), torch.tensor(turn, dtype=torch.float32),
        torch.tensor(move, dtype=torch.float32),
    )  # fmt: skip
    posed = rig().posed(motion).detach().numpy()
    face = template.vertices + np.tensordot(w, template.shape_deltas, axes=1)
    for t in range(3):
        expected = Rotation.from_rotvec(turn[t]).apply(face[t]) + move[t]
        np.testing.assert_allclose(posed[t], expected, atol=1e-5)
