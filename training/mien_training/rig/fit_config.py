"""Every number of the joint optimisation."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien_training.rig.free_nodes import Smoothing
from mien_training.rig.landmark_fit import LandmarkFitConfig
from mien_training.rig.motion_solver import MotionSolverConfig
from mien_training.rig.stereo import StereoConfig

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
    mark_offsets: float = 1e-4
    """Squared misplacement of the tracker's points, mm^2."""
    identity: float = 1e-4
    """Squared coefficients of the template's people."""
    neutral: float = 1e-4
    """Squared differential coordinates of the neutral, mm^2."""
    shapes: float = 1e-3
    """The same of the shapes."""
    locality: float = 1.0
    """Squared motion of shapes outside of where the template's act, mm^2."""
    symmetry: float = 0.03
    """Squared difference between left and right shapes, mm^2."""


@dataclass(frozen=True)
class RigFitConfig:
    """How a person's rig is found."""

    points: LandmarkFitConfig = field(default_factory=LandmarkFitConfig)
    """The first stage."""
    stereo: StereoConfig = field(default_factory=StereoConfig)
    """The second stage, of pictures of one moment."""
    knot_rate_hz: float = 15.0
    """Knots of the motion's spline per second; a blink closes within 0.1 s."""
    losses: LossWeights = field(default_factory=LossWeights)
    """Weights of all terms."""
    neutral_steps: int = 300
    """Steps of the second stage."""
    still_steps: int = 60
    """Steps at the start in which the motion stays the tracker's: a grey face tells nothing."""
    joint_steps: int = 700
    """Steps of the third stage."""
    batch: int = 2
    """Moments a step, each with the frames of all cameras."""
    shape_every: int = 4
    """Steps whose gradients the shapes gather before they move: their smoothing is dear."""
    smoothing: Smoothing = "ties"
    """What differential coordinates spread over; `none` moves raw vertices."""
    spread: float = 19.0
    """Lambda of the differential coordinates."""
    neutral_rate: float = 2e-3
    """Longest step of the neutral's coordinates, metres."""
    identity_rate: float = 0.02
    """Longest step of the identity coefficients."""
    shape_rate: float = 5e-4
    """Longest step of the shapes' coordinates, metres."""
    motion: MotionSolverConfig = field(default_factory=MotionSolverConfig)
    """How weights and pose are read from the pictures."""
    clock_rate: float = 3e-4
    """Adam's step of the clocks' offsets, seconds."""
    mark_rate: float = 1e-4
    """Adam's step of the misplacement of the tracker's points, metres."""
    texture_rate: float = 0.02
    """Adam's step of texture and light."""
    texture_side: int = 256
    """Texels along the skin's texture."""
    personal_shapes: bool = True
    """False keeps the template's shapes."""
    learn_clocks: bool = True
    """False takes all clocks for one."""
    whole_head: bool = False
    """True compares colours on all of the head, False on the face only: hair is not modelled."""
    held_out: int = 10
    """Every so many frames one is kept for deciding when to stop."""
    patience: int = 4
    """Checks without progress on the held-out frames after which a stage ends."""
    check_every: int = 50
    """Steps between checks."""
    seed: int = 0
    """Draws the batches and the network."""
