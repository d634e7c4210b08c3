"""What became of every frame: figures that hide none, names of those that stand out, a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from mien_training.footage.observations import Observations
from mien_training.rig.robust.frame_errors import FrameErrors
from mien_training.rig.robust.lost_frames import FrameLimits, off_points
from mien_training.rig.robust.occluders import COVERED_FRAME

__all__ = ["FrameReport", "NamedFrame", "Spread", "report_frames"]

Verdict = Literal["holds", "check", "fails"]

_SOME = 0.05
"""Share of lost frames up to which the rest is worth something."""
_MOSTLY_COVERED = 0.25
"""Share of covered frames from which the face itself may have learnt what covers it."""
_STRANGE = 2.5
"""Times the median colour difference, beyond which a frame shows something else than the rest."""
_AFAR = 0.04
"""And at least this much, sRGB 0..1."""


@dataclass(frozen=True)
class Spread:
    """Of one figure over all frames."""

    median: float
    p95: float
    worst: float

    @classmethod
    def of(cls, values: Tensor) -> Spread:
        """Of (N,), at least one."""
        at = torch.quantile(values.double(), torch.tensor([0.5, 0.95, 1.0], dtype=torch.float64))
        return cls(*at.tolist())


@dataclass(frozen=True)
class NamedFrame:
    """A frame that the user should know of."""

    camera: int
    """From 1 on."""
    frame: int
    """Its number in the recording, from 0 on."""
    time_s: float
    """On its camera's clock, from the first frame with a face on."""
    points_px: float
    reason: str


@dataclass(frozen=True)
class FrameReport:
    """Of N frames."""

    points_px: Spread
    """Mean distance between the tracker's points and the rig's, pixels of the compared image."""
    photometric: Spread
    """Mean absolute colour difference on the face, sRGB 0..1."""
    lost: int
    """Frames in which the rig is not where the tracker's points are."""
    covered: int
    """Frames in which something covers the face."""
    named: tuple[NamedFrame, ...]
    """Those that were lost, started again, or show something else; worst first."""
    verdict: Verdict

    @property
    def sentence(self) -> str:
        """For the command line."""
        p = self.points_px
        words = {
            "holds": "the fit holds in every frame",
            "check": "see the report",
            "fails": "the fit fails",
        }
        if self.lost:
            words[self.verdict] += f": {_frames(self.lost)} lost"
        if self.covered:
            words[self.verdict] += f"; something covers the face in {self.covered}"
        return (
            f"{words[self.verdict]}; tracker's and rig's points are {p.median:.2f} px apart "
            f"(95 % of the frames below {p.p95:.2f}, worst {p.worst:.2f})"
        )

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return asdict(self)


def report_frames(
    errors: FrameErrors, face_px: Tensor, restarts: Tensor, seen: Observations, limits: FrameLimits
) -> FrameReport:
    """errors of all N frames; face_px (N,) sizes of the face; restarts (N,) how often each was
    started again."""
    points, colours = errors.points_px.cpu(), errors.photometric.cpu()
    trusted, times = seen.trusted.cpu(), restarts.cpu()
    lost = off_points(points, face_px.cpu(), limits) & trusted
    hidden = errors.covered.cpu() > COVERED_FRAME
    strange = colours > max(_STRANGE * float(colours.median()), _AFAR)
    alone = times > limits.restarts
    named = []
    for n in (lost | strange | hidden | alone | ~trusted).nonzero()[:, 0].tolist():
        if not trusted[n]:
            reason = "the tracker was elsewhere: the frame follows its neighbours"
        elif lost[n]:
            reason = "lost: the rig is not where the tracker's points are"
        elif alone[n]:
            reason = "left its points too often: it follows them, and its colours do not count"
        elif hidden[n]:
            reason = "something covers the face"
        else:
            reason = "colours differ: the light changed, or much of the face is hidden"
        named.append(
            NamedFrame(
                int(seen.camera[n]) + 1, int(seen.frame[n]), float(seen.times_s[n]),
                float(points[n]), reason,
            )
        )  # fmt: skip
    named.sort(key=lambda f: -f.points_px)
    count = int(lost.sum())
    covered = int(hidden.sum())
    verdict: Verdict = "check" if count or covered > _MOSTLY_COVERED * len(hidden) else "holds"
    if count > _SOME * len(lost):
        verdict = "fails"
    spreads = Spread.of(points[trusted]), Spread.of(colours)
    return FrameReport(*spreads, count, covered, tuple(named), verdict)


def _frames(count: int) -> str:
    return "1 frame is" if count == 1 else f"{count} frames are"
