"""Every number of the solve of a rig from meshes."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import InputError

__all__ = ["MeshFitConfig"]


@dataclass(frozen=True)
class MeshFitConfig:
    """How neutral, shapes, weights and poses are found together."""

    rounds: int = 10
    """Rounds of weights and poses, then shapes and neutral."""
    moments: int = 300
    """At most this many moments are used, those of the script first; 1 or more."""
    points: int = 1500
    """Vertices, spread evenly over the skin, that the rounds compare; all of them at the end."""
    anchors: int = 80
    """Places on the face that a shape's change is interpolated from."""
    field_m: float = 0.03
    """How far apart two places of a face may lie and still change alike, metres."""
    share: float = 0.2
    """Spread of a shape's change along each axis, in parts of how far the template moves there."""
    detail_share: float = 0.03
    """The same for what vertices do by themselves, not with their neighbours."""
    one_sided: float = 0.25
    """Part of the change's energy that left and right do not have in common."""
    patch_m: float = 0.04
    """Errors of a capture are alike within so many metres: that much skin counts as one point."""
    least_spread_m: float = 1e-4
    """No mesh is believed to be nearer to the truth than this, metres."""
    asked_spread: float = 0.15
    """Spread of a weight about what the script asks for, or the tracker scored."""
    unasked_spread: float = 0.3
    """Spread of weights about 0 where neither says anything."""
    solve_pose: bool = True
    """False believes the capture's poses; for comparison."""
    template_motion: bool = True
    """False lets every shape change as far everywhere; for comparison."""

    def __post_init__(self) -> None:
        counts = {n: getattr(self, n) for n in ("rounds", "moments", "points", "anchors")}
        lengths = {n: getattr(self, n) for n in ("field_m", "patch_m", "least_spread_m",
                   "asked_spread", "unasked_spread")}  # fmt: skip
        for name, value in counts.items():
            if value < 1:
                raise InputError(f"MeshFitConfig.{name}: {value}, expected 1 or more")
        for name, value in lengths.items():
            if not value > 0:
                raise InputError(f"MeshFitConfig.{name}: {value}, expected more than 0")
        for name in ("share", "detail_share"):
            if not getattr(self, name) >= 0:
                raise InputError(f"MeshFitConfig.{name}: {getattr(self, name)}, expected 0 or more")
        if not 0 <= self.one_sided <= 1:
            raise InputError(f"MeshFitConfig.one_sided: {self.one_sided}, expected 0..1")
