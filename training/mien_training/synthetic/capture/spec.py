"""What captured moments are made of: one small dataclass for each factor."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from mien.errors import InputError
from mien_training.synthetic.capture.faces import FaceSpec
from mien_training.synthetic.capture.occluders import WearSpec
from mien_training.synthetic.capture.people import PeopleSpec
from mien_training.synthetic.capture.photometry import ResponseSpec
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.scans import ScanSpec
from mien_training.synthetic.light import Strength, check_strength

__all__ = ["HELD_OUT", "TRAINED_ON", "CaptureDatasetSpec", "CaptureSpec", "SeedRange"]


@dataclass(frozen=True)
class SeedRange:
    """Seeds first, first + 1, ...: of people or of rigs."""

    first: int = 0
    """The least."""
    count: int = 1_000_000
    """How many."""

    def __post_init__(self) -> None:
        if self.first < 0 or self.count < 1 or self.first + self.count > 2**31:
            raise InputError(
                f"SeedRange: first {self.first}, count {self.count}, expected 0 and 1 or more, "
                "all below 2^31"
            )

    def pick(self, seed: int, stream: int) -> int:
        """One of them, by chance, a function of the arguments alone."""
        return self.first + int(np.random.default_rng((seed, stream)).integers(self.count))

    def disjoint(self, other: SeedRange) -> bool:
        """Whether no seed is in both."""
        return self.first + self.count <= other.first or other.first + other.count <= self.first


TRAINED_ON = SeedRange(0, 1_000_000)
HELD_OUT = SeedRange(1_000_000_000, 1_000_000)
"""People and rigs that no training has seen."""


@dataclass(frozen=True)
class CaptureSpec:
    """How one moment is drawn."""

    people: SeedRange = TRAINED_ON
    """Seeds of the people who may be captured."""
    rigs: SeedRange = TRAINED_ON
    """Seeds of the rigs that may capture them."""
    moments_per_person: int = 1
    """How many moments with consecutive seeds show the same person: the second costs half."""
    rig: RigSpec = field(default_factory=RigSpec)
    """How rigs are drawn."""
    person: PeopleSpec = field(default_factory=PeopleSpec)
    """How people are drawn."""
    wear: WearSpec = field(default_factory=WearSpec)
    """What hides parts of them."""
    face: FaceSpec = field(default_factory=FaceSpec)
    """What they do."""
    response: ResponseSpec = field(default_factory=ResponseSpec)
    """What cameras make of light."""
    scan: ScanSpec = field(default_factory=lambda: ScanSpec(points=0))
    """Scans of the moments; none unless asked for."""
    light: Strength = "mild"
    """How uneven the light is."""
    reach_m: float = 0.1
    """Farthest that a head is from the rig's centre along each axis, metres."""
    least_seen: float = 0.85
    """Least share of the head's skin, by area and whether hidden or not, that must fall into
    every camera's image; heads that stand too far aside are drawn again."""
    calibration_px: float = 0.0
    """Root mean square, in pixels, by which the calibration errs in every camera."""
    samples: int = 2
    """Visibility samples per pixel and axis of the images."""

    def __post_init__(self) -> None:
        check_strength("CaptureSpec.light", self.light)
        if self.moments_per_person < 1 or not 1 <= self.samples <= 8:
            raise InputError(
                f"CaptureSpec: moments_per_person {self.moments_per_person}, samples "
                f"{self.samples}, expected 1 or more and 1 to 8"
            )
        if not 0 <= self.reach_m <= 0.1:
            raise InputError(
                f"CaptureSpec: reach_m {self.reach_m}, expected 0 to 0.1: cameras stay outside "
                "heads"
            )
        if not 0 <= self.least_seen <= 0.95:
            raise InputError(f"CaptureSpec: least_seen {self.least_seen}, expected 0 to 0.95")
        if not 0 <= self.calibration_px <= 50:
            raise InputError(f"CaptureSpec: calibration_px {self.calibration_px}, expected 0 to 50")

    def held_out(self, people: bool = True, rigs: bool = True) -> CaptureSpec:
        """The same with people, rigs or both that training has not seen."""
        return replace(
            self,
            people=HELD_OUT if people else self.people,
            rigs=HELD_OUT if rigs else self.rigs,
        )

    def person_seed(self, seed: int) -> int:
        """Whom the moment of a seed shows."""
        return self.people.pick(seed // self.moments_per_person, 93)

    def rig_seed(self, seed: int) -> int:
        """What captures the moment of a seed."""
        return self.rigs.pick(seed, 94)


@dataclass(frozen=True)
class CaptureDatasetSpec:
    """Many moments on disk: number i is the one of seed `first_seed` + i."""

    template: str = "anny"
    """Template name (load_template)."""
    moment: CaptureSpec = field(default_factory=CaptureSpec)
    """How each is drawn."""
    moments: int = 1000
    """How many."""
    first_seed: int = 0
    """Seed of the first."""
    moments_per_shard: int = 16
    """How many one file holds; also what a worker holds in memory."""

    def __post_init__(self) -> None:
        if self.moments < 1 or self.first_seed < 0 or self.moments_per_shard < 1:
            raise InputError(
                f"CaptureDatasetSpec: moments {self.moments}, first_seed {self.first_seed}, "
                f"moments_per_shard {self.moments_per_shard}, expected 1, 0, 1 or more"
            )

    @property
    def shards(self) -> int:
        """How many files."""
        return -(-self.moments // self.moments_per_shard)
