"""Every number of the joint optimisation."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien.errors import InputError
from mien_training.geometry.deformation_graph import Smoothing
from mien_training.rig.landmarks.fast_motion import KnotConfig
from mien_training.rig.landmarks.landmark_fit import LandmarkFitConfig
from mien_training.rig.model.personal_rig import ShapePrior
from mien_training.rig.photometric.motion_solver import MotionSolverConfig
from mien_training.rig.robust.lost_frames import FrameLimits
from mien_training.rig.stereo.stereo_fit import StereoConfig

__all__ = ["LossWeights", "RigFitConfig"]


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts; 0 switches it off."""

    photometric: float = 1.0
    """Colour differences, sRGB 0..1."""
    silhouette: float = 2.0
    """Coverage against masks, where there are any."""
    landmark: float = 3.0
    """The tracker's points, in sizes of the face, at the start of the neutral stage."""
    landmark_end: float = 0.3
    """The same at the end of the joint stage."""
    identity: float = 1e-4
    """Squared coefficients of the template's people."""
    neutral: float = 1e-4
    """Squared differential coordinates of the neutral, mm^2."""


@dataclass(frozen=True)
class RigFitConfig:
    """How a person's rig is found."""

    points: LandmarkFitConfig = field(default_factory=LandmarkFitConfig)
    """The first stage."""
    stereo: StereoConfig = field(default_factory=StereoConfig)
    """The second stage, of stills of one moment."""
    knots: KnotConfig = field(default_factory=KnotConfig)
    """How closely the motion's spline follows what is fast."""
    limits: FrameLimits = field(default_factory=FrameLimits)
    """When a frame counts as lost, and is started again."""
    losses: LossWeights = field(default_factory=LossWeights)
    """Weights of all terms."""
    neutral_rounds: int = 5
    """Rounds of the second stage."""
    joint_rounds: int = 6
    """Rounds of the third stage."""
    steps: int = 50
    """Gradient steps of neutral and appearance in a round, before the Gauss-Newton pass over all
    moments that solves the performance and the shapes, from one camera the neutral too."""
    batch: int = 2
    """Moments a gradient step, each with the frames of all cameras."""
    pass_frames: int = 800
    """Frames a Gauss-Newton pass uses; longer recordings are sampled. 0: no passes."""
    smoothing: Smoothing = "interior"
    """What differential coordinates spread over; `none` moves raw vertices."""
    smoothing_lambda: float = 19.0
    """Lambda of the differential coordinates."""
    neutral_rate: float = 2e-3
    """Longest step of the neutral's coordinates, metres."""
    identity_rate: float = 0.02
    """Longest step of the identity coefficients."""
    shape_prior: ShapePrior = field(default_factory=ShapePrior)
    """How far personal shapes may be from the template's."""
    motion: MotionSolverConfig = field(default_factory=MotionSolverConfig)
    """How weights, pose and time offsets are estimated from the images."""
    texture_rate: float = 0.02
    """Adam's step of texture and light."""
    texture_side: int = 256
    """Texels along the skin's texture."""
    personal_shapes: bool = True
    """False keeps the template's shapes."""
    learn_time_offsets: bool = True
    """False takes the cameras for synchronised."""
    whole_head: bool = False
    """True compares colours on all of the head, False on the face only: hair is not modelled."""
    rest_quantile: float = 0.05
    """Share of the frames in which every shape is taken to be at rest: what it shows in all others
    is the neutral's. 0 takes nothing for granted."""
    held_out: int = 10
    """Every so many frames one is kept for deciding when to stop."""
    patience: int = 3
    """Rounds without progress on the held-out frames after which a stage ends."""
    seed: int = 0
    """Draws the batches."""

    def __post_init__(self) -> None:
        counts = (self.neutral_rounds, self.joint_rounds, self.steps, self.pass_frames)
        if min(counts) < 0 or min(self.batch, self.patience) < 1 or self.held_out < 2:
            raise InputError(
                f"RigFitConfig: neutral_rounds, joint_rounds, steps, pass_frames {counts}, "
                f"expected 0 or more; batch {self.batch}, held_out {self.held_out}, patience "
                f"{self.patience}, expected 1 or more (held_out 2 or more)"
            )
        if not 0 <= self.rest_quantile < 1:
            raise InputError(
                f"RigFitConfig: rest_quantile {self.rest_quantile}, expected 0 or more, below 1"
            )
        if self.seed < 0:
            raise InputError(f"RigFitConfig: seed {self.seed}, expected 0 or more")
        if not min(self.neutral_rate, self.identity_rate, self.texture_rate) >= 0:
            raise InputError(
                f"RigFitConfig: neutral_rate {self.neutral_rate}, identity_rate "
                f"{self.identity_rate}, texture_rate {self.texture_rate}, expected 0 or more"
            )
        if not min(vars(self.losses).values()) >= 0:
            raise InputError(f"RigFitConfig: {self.losses}, expected weights of 0 or more")
        if not (self.texture_side >= 8 and self.smoothing_lambda >= 0):
            raise InputError(
                f"RigFitConfig: texture_side {self.texture_side}, smoothing_lambda "
                f"{self.smoothing_lambda}, expected 8 or more, 0 or more"
            )
