"""What a weight always shows goes into the neutral, and no face changes."""

import pytest
import torch

from mien_training.anatomy.soft_tissue import soft_tissue_graph
from mien_training.rig.model.motion import Motion, MotionSpline
from mien_training.rig.model.personal_rig import PersonalRig, ShapePrior
from mien_training.rig.model.rest_pose import absorb_rest_pose, rests
from mien_training.templates import load_template

TIMES = torch.linspace(0, 3, 91)
LOOK = "eyeLookInLeft"
SHOWN = {"browDownLeft": 0.3, LOOK: 0.2, "jawOpen": 0.4}


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture
def performed(template):
    """Weights that never come down below some value, and one that does now and then."""
    nodes = soft_tissue_graph(template, "none")
    rig = PersonalRig(template, nodes, nodes, ShapePrior())
    torch.manual_seed(0)
    rig.u_shapes.copy_(torch.randn(rig.u_shapes.shape))
    motion = MotionSpline.uniform(-0.1, 3.1, len(template.shape_names), 15.0)
    wave = 0.3 - 0.3 * torch.cos(3 * TIMES)
    weights = torch.zeros(len(TIMES), len(template.shape_names))
    for name, low in SHOWN.items():
        weights[:, template.shape_names.index(name)] = low + wave
    weights[:, template.shape_names.index("mouthSmileLeft")] = wave
    still = torch.zeros(len(TIMES), 3)
    motion.fit_samples(TIMES, Motion(weights, still, still))
    return rig, motion


def faces(rig, motion):
    with torch.no_grad():
        return rig().posed(motion(TIMES))


def test_what_is_always_shown_becomes_the_neutrals(template, performed):
    rig, motion = performed
    before, neutral = faces(rig, motion), rig.neutral().detach().clone()
    with torch.no_grad():
        shown = motion(TIMES).weights.clone()
    absorb_rest_pose(rig, motion, TIMES, rests(template.shape_names), 0.05, True)
    with torch.no_grad():
        weights = motion(TIMES).weights
    index = {name: template.shape_names.index(name) for name in (*SHOWN, "mouthSmileLeft")}
    assert weights[:, index["browDownLeft"]].quantile(0.05) < 0.01
    for name in (LOOK, "jawOpen", "mouthSmileLeft"):
        torch.testing.assert_close(
            weights[:, index[name]], shown[:, index[name]], atol=0.02, rtol=0
        )
    moved = rig.neutral() - neutral
    expected = 0.3 * rig().deltas[index["browDownLeft"]]
    torch.testing.assert_close(moved, expected, atol=2e-4, rtol=0)
    # Faces stay, but for the few moments at which the weight is lower than what was taken.
    apart = (faces(rig, motion) - before).norm(dim=2).amax(1)
    assert float(apart.quantile(0.9)) < 1e-5 and float(apart.max()) < 3e-4


def test_nothing_is_taken_from_few_frames_or_where_nothing_is_asked(template, performed):
    rig, motion = performed
    before = faces(rig, motion)
    absorb_rest_pose(rig, motion, TIMES[:20], rests(template.shape_names), 0.05, True)
    absorb_rest_pose(rig, motion, TIMES, rests(template.shape_names), 0.0, True)
    assert torch.equal(faces(rig, motion), before) and not rig.rest.any()


def test_a_second_time_there_is_nothing_left(template, performed):
    rig, motion = performed
    absorb_rest_pose(rig, motion, TIMES, rests(template.shape_names), 0.05, True)
    kept = rig.rest.clone()
    absorb_rest_pose(rig, motion, TIMES, rests(template.shape_names), 0.05, True)
    torch.testing.assert_close(rig.rest, kept, atol=1e-4, rtol=0)
