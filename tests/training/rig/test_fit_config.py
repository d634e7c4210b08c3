"""Numbers of the fit: what makes no sense is refused by name."""

import pytest

from mien.errors import InputError
from mien_training.rig.fit_config import LossWeights, RigFitConfig
from mien_training.rig.landmarks.landmark_fit import LandmarkFitConfig
from mien_training.rig.model.personal_rig import ShapePrior
from mien_training.rig.photometric.motion_solver import MotionSolverConfig


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: RigFitConfig(joint_rounds=-1), "joint_rounds"),
        (lambda: RigFitConfig(held_out=1), "held_out"),
        (lambda: RigFitConfig(seed=-1), "seed"),
        (lambda: RigFitConfig(texture_rate=-0.1), "texture_rate"),
        (lambda: RigFitConfig(losses=LossWeights(landmark=-1.0)), "landmark"),
        (lambda: LandmarkFitConfig(steps=0), "step"),
        (lambda: RigFitConfig(pass_frames=-5), "pass_frames"),
        (lambda: RigFitConfig(held_out=0), "held_out"),
        (lambda: RigFitConfig(rest_quantile=1.0), "rest_quantile"),
        (lambda: RigFitConfig(rest_quantile=float("nan")), "rest_quantile"),
        (lambda: RigFitConfig(texture_side=4), "texture_side"),
        (lambda: MotionSolverConfig(step_sigma=0.0), "spreads"),
        (lambda: MotionSolverConfig(colour_sigma=float("nan")), "spreads"),
        (lambda: ShapePrior(one_sided=1.5), "one_sided"),
        (lambda: ShapePrior(share=-0.1), "share"),
        (lambda: ShapePrior(around_eyes=-0.1), "around_eyes"),
        (lambda: ShapePrior(evidence_weight=float("nan")), "evidence_weight"),
    ],
)
def test_numbers_out_of_range_are_named(make, names):
    with pytest.raises(InputError, match=names):
        make()


def test_the_ends_of_the_ranges_are_allowed():
    RigFitConfig(neutral_rounds=0, joint_rounds=0, steps=0, pass_frames=0)
    ShapePrior(share=0.0, one_sided=1.0, evidence_weight=0.0)
