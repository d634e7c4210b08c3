"""What somebody wears: which occluders, drawn by seed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.head import Template
from mien_training.rendering.paint import Look
from mien_training.synthetic.capture.occluders.beards import grow_beard
from mien_training.synthetic.capture.occluders.glasses import draw_glasses
from mien_training.synthetic.capture.occluders.hair_caps import hair_cap
from mien_training.synthetic.capture.occluders.shoulders import draw_shoulders
from mien_training.synthetic.capture.occluders.worn import Worn
from mien_training.synthetic.hair import HairStyle, grow_hair

__all__ = ["WearSpec", "draw_clothes", "draw_hair"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class WearSpec:
    """How often heads wear what; probabilities of 0 to 1, independent but for the hair's."""

    strands: float = 0.4
    """Hair of single strands, with or without a fringe, over a thin cap."""
    cap: float = 0.25
    """A smooth cap of hair; neither of these: painted or none."""
    cloth_cap: float = 0.1
    """A cap of cloth, as worn in captures."""
    beard: float = 0.25
    """Strands on chin and cheeks."""
    glasses: float = 0.2
    """Rims, a bridge and temples."""
    dark_lenses: float = 0.15
    """Of those glasses, the share whose lenses hide the eyes."""
    shoulders: float = 0.85
    """A clothed torso below the neck."""
    hair_strands: int = 800
    """Number of ribbons in a head of hair."""

    def __post_init__(self) -> None:
        for field in fields(self)[:7]:
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise InputError(f"WearSpec: {field.name} {value}, expected 0 to 1")
        if self.strands + self.cap + self.cloth_cap > 1 + 1e-9:
            raise InputError(
                f"WearSpec: strands {self.strands}, cap {self.cap} and cloth_cap {self.cloth_cap} "
                "are more than 1 together"
            )
        if not 1 <= self.hair_strands <= 100_000:
            raise InputError(f"WearSpec: hair_strands {self.hair_strands}, expected 1 to 100000")


def draw_hair(
    spec: WearSpec, template: Template, neutral: Float32Array, look: Look, seed: int
) -> tuple[Look, tuple[Worn, ...]]:
    """What grows on a head with (V, 3) neutral vertices, metres, or is put over it: hair, beard.

    And the look with which to paint it: skin under hair is dark.
    """
    rng = np.random.default_rng((seed, 87))
    kind, bearded = rng.random(2)
    lengths = rng.random(4)
    colour = look.hair_colour
    found = []
    if kind < spec.strands + spec.cap:
        strands = kind < spec.strands
        thickness = 0.002 + 0.004 * lengths[0] if strands else 0.004 + 0.026 * lengths[1] ** 2
        found.append(hair_cap(template, neutral, thickness, colour, seed))
        if strands:
            style = HairStyle.random(seed, spec.hair_strands)
            found.append(Worn.of_hair(grow_hair(template, neutral, style, colour)))
        look = replace(look, hair_cover=1.0)
    elif kind < spec.strands + spec.cap + spec.cloth_cap:
        dye = rng.integers(20, 230, 3)
        cloth = (int(dye[0]), int(dye[1]), int(dye[2]))
        found.append(hair_cap(template, neutral, 0.002 + 0.004 * lengths[2], cloth, seed, True))
    if bearded < spec.beard:
        length = 0.006 + 0.034 * lengths[3] ** 2
        found.append(grow_beard(template, neutral, length, colour, seed))
        look = replace(look, stubble=1.0)
    return look, tuple(found)


def draw_clothes(
    spec: WearSpec, template: Template, neutral: Float32Array, seed: int
) -> tuple[Worn, ...]:
    """What a head with (V, 3) neutral vertices, metres, puts on for one moment: glasses, shirt."""
    glasses, dark, shoulders = np.random.default_rng((seed, 88)).random(3)
    found = []
    if glasses < spec.glasses:
        found.append(draw_glasses(template, neutral, seed, bool(dark < spec.dark_lenses)))
    if shoulders < spec.shoulders:
        found.append(draw_shoulders(template, neutral, seed))
    return tuple(found)
