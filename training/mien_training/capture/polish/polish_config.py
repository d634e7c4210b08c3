"""How far a polished mesh may go, and what it takes to be believed."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import InputError

__all__ = ["QUICK_POLISH", "PolishConfig"]


@dataclass(frozen=True)
class PolishConfig:
    """How one moment's mesh is polished."""

    side: int = 512
    """Pixels along one side of the crops of the head that are compared."""
    shrink: tuple[int, ...] = (8, 4, 2, 1)
    """Pixels of them along one side of what is compared as one, level by level."""
    steps: int = 6
    """Gauss-Newton steps in each level."""
    rounds: int = 3
    """How often all levels are gone through, each time from what the pictures were believed to say
    before: places are seen from nearer the truth, and light and noise are estimated on them."""
    spread_m: float = 0.0025
    """Standard deviation of the prediction's error that is expected before anything is seen."""
    reach_m: float = 0.010
    """How far that error spreads along the surface: its differential coordinates' lambda is this
    over the length of the face's edges, squared."""
    evidence: float = 0.2
    """How much of what places say counts: highlights and blur mislead neighbours alike."""
    spacing_m: float = 0.0015
    """Least distance between places that are looked up; in coarse levels, that of their pixels."""
    held_out: float = 0.2
    """Share of the surface, in patches, that only judges."""
    darkest: float = 10.0
    """Mean 8-bit code below which a place tells nothing."""
    most_m: float = 0.008
    """Displacement along the normal in one round that is no longer believed, metres; it is half
    believed at three quarters of that."""
    most_shift_px: float = 2.0
    """A camera whose picture is moved by more than this against the others, in pixels of the crop,
    is left out."""
    most_disagreement: float = 0.12
    """Pictures that differ by more than this share of their brightness even at the end are not
    believed."""

    def __post_init__(self) -> None:
        if self.side < 32 or not self.shrink or min(*self.shrink, self.steps, self.rounds) < 1:
            raise InputError(
                f"PolishConfig: side {self.side}, shrink {self.shrink}, steps {self.steps}, rounds "
                f"{self.rounds}, expected 32 or more, at least one level, and 1 or more"
            )
        if max(self.shrink) * 16 > self.side:
            raise InputError(
                f"PolishConfig: shrink {max(self.shrink)} leaves too little of side {self.side}"
            )
        for name in ("spread_m", "reach_m", "evidence", "spacing_m", "most_m", "most_shift_px"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(f"PolishConfig: {name} {getattr(self, name)}, expected above 0")
        if not 0 < self.held_out < 1 or not 0 <= self.darkest < 255:
            raise InputError(
                f"PolishConfig: held_out {self.held_out}, darkest {self.darkest}, expected between "
                "0 and 1, and 0 to 255"
            )
        if not self.most_disagreement > 0:
            raise InputError(
                f"PolishConfig: most_disagreement {self.most_disagreement}, expected above 0"
            )


QUICK_POLISH = PolishConfig(side=192, shrink=(4, 2, 1), steps=3, rounds=1)
"""What first meshes can wait for: small pictures, gone through once."""
