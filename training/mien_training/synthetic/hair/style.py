"""How somebody's hair is cut and combed: a few numbers, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mien.errors import InputError

__all__ = ["NAMED_STYLES", "Combing", "HairStyle"]

Combing = Literal["whorl", "back", "parting"]


@dataclass(frozen=True)
class HairStyle:
    """Length, direction, weight and order of a head of hair."""

    seed: int = 0
    """Places every single strand."""
    strands: int = 4000
    """How many ribbons; each stands for a lock of some dozens of hairs."""
    length_m: float = 0.08
    """Of a strand on the crown, metres."""
    combing: Combing = "whorl"
    """whorl: away from the crown on all sides; back: from the forehead; parting: to both sides."""
    parting: float = 0.0
    """Where a parting runs, in distances between the eyes from the middle to the left."""
    lift: float = 0.25
    """0 strands start along the scalp, 1 straight up from it."""
    volume: float = 1.0
    """How far long hair stands off the ears: 0 it is tucked behind them, 1 they are covered."""
    gravity: float = 0.5
    """How soon a strand hangs down: 0 never."""
    fringe: float = 0.45
    """How far hair reaches down the forehead: 1.2 to the hairline, 0.3 to the brows."""
    clumping: float = 0.4
    """0 every strand its own way, 1 strands of a lock meet at its tip."""
    curl_m: float = 0.0
    """Radius of waves or curls at the tips, metres."""
    curl_period_m: float = 0.05
    """Length of one turn, metres."""
    width_m: float = 0.0028
    """Of a ribbon in its middle, metres."""
    grey: float = 0.0
    """Share of strands without colour, 0..1."""

    def __post_init__(self) -> None:
        if self.strands < 1 or not self.length_m > 0 or not self.width_m > 0:
            raise InputError(
                f"HairStyle: {self.strands} strands, length_m {self.length_m}, width_m "
                f"{self.width_m}, expected all above 0"
            )
        if self.combing not in ("whorl", "back", "parting"):
            raise InputError(
                f"HairStyle: combing {self.combing!r}, expected whorl, back or parting"
            )

    @classmethod
    def named(cls, name: str, seed: int = 0, strands: int = 5000) -> HairStyle:
        """One of NAMED_STYLES; the seed places the strands."""
        if name not in NAMED_STYLES:
            known = ", ".join(sorted(NAMED_STYLES))
            raise InputError(f"HairStyle.named: {name!r}, expected one of {known}")
        width = NAMED_STYLES[name].width_m * (5000 / strands) ** 0.5
        return replace(NAMED_STYLES[name], seed=seed, strands=strands, width_m=width)

    @classmethod
    def random(cls, seed: int, strands: int = 4000) -> HairStyle:
        """From a crop to shoulder length; long hair is parted or combed back."""
        rng = np.random.default_rng((seed, 41))
        length = float(np.exp(rng.uniform(np.log(0.03), np.log(0.26))))
        short = length < 0.07
        combing: Combing = "whorl" if short and rng.random() < 0.7 else "parting"
        if combing == "parting" and rng.random() < 0.25:
            combing = "back"
        curly = rng.random() < 0.35
        return cls(
            seed=seed,
            strands=strands,
            length_m=length,
            combing=combing,
            parting=float(rng.uniform(-0.7, 0.7)),
            lift=float(rng.uniform(0.12, 0.45 if short else 0.3)),
            gravity=float(rng.uniform(0.5, 1.2)),
            fringe=float(rng.uniform(0.4, 0.7) if rng.random() < 0.4 else rng.uniform(0.85, 1.1)),
            clumping=float(rng.uniform(0.15, 0.6)),
            curl_m=float(rng.uniform(0.002, 0.007)) if curly else float(rng.uniform(0, 0.0012)),
            curl_period_m=float(rng.uniform(0.025, 0.07)),
            width_m=float(rng.uniform(0.0024, 0.0034)) * (4000 / strands) ** 0.5,
            grey=float(max(0.0, rng.uniform(-1.5, 0.5))),
        )


NAMED_STYLES = {
    "crop": HairStyle(length_m=0.035, combing="whorl", lift=0.28, fringe=0.9, clumping=0.2,
                      width_m=0.0032),
    "bob": HairStyle(length_m=0.17, combing="whorl", lift=0.12, gravity=0.9, fringe=0.42,
                     clumping=0.3, width_m=0.0026),
    "parted": HairStyle(length_m=0.18, combing="parting", parting=-0.4, lift=0.15, gravity=0.9,
                        fringe=0.95, clumping=0.3, width_m=0.0026),
    "curls": HairStyle(length_m=0.09, combing="whorl", lift=0.45, gravity=0.35, fringe=0.8,
                       clumping=0.6, curl_m=0.006, curl_period_m=0.03, width_m=0.0026),
    "swept": HairStyle(length_m=0.11, combing="back", lift=0.3, gravity=0.5, fringe=1.0,
                       clumping=0.4, curl_m=0.001, width_m=0.0026),
}  # fmt: skip
"""Short, chin-long with a fringe, chin-long with a parting, curls, and combed back."""
