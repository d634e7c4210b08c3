"""What a painted head looks like: a handful of human numbers, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Look", "skin_albedo"]

Srgb = tuple[int, int, int]

SKIN_TONES = np.array(
    [
        (238, 198, 172),
        (226, 178, 146),
        (205, 152, 118),
        (176, 118, 84),
        (128, 80, 56),
        (78, 48, 38),
    ],
    np.float64,
)
"""sRGB albedo from the lightest to the darkest of the six Fitzpatrick types."""

EYE_COLOURS: tuple[Srgb, ...] = (
    (66, 38, 20), (92, 54, 26), (122, 88, 40), (92, 110, 70), (88, 122, 148), (122, 136, 146),
)  # fmt: skip
HAIR_COLOURS: tuple[Srgb, ...] = (
    (18, 14, 12), (34, 24, 18), (62, 42, 28), (108, 76, 44), (150, 118, 76), (110, 106, 102),
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """Colours and densities of one painted head; colours are 8-bit sRGB."""

    seed: int = 0
    """Seeds the noise: mottling, freckles, hairs, veins."""
    skin_tone: float = 0.25
    """0 the lightest, 1 the darkest skin."""
    redness: float = 0.5
    """Blood in cheeks, nose, ears and lids, 0..1."""
    freckles: float = 0.1
    """0 none, 1 many."""
    lip_tint: float = 0.5
    """How far the lips stand out from the skin, 0..1."""
    eye_colour: Srgb = (92, 54, 26)
    """Colour of the iris."""
    hair_colour: Srgb = (34, 24, 18)
    """Colour of brows, lashes and scalp."""
    brow_density: float = 0.8
    """0 no brows, 1 thick ones."""
    hair_cover: float = 0.85
    """Buzz-cut scalp: 0 shaven, 1 dense."""
    stubble: float = 0.0
    """Shadow of a beard, 0..1."""

    @classmethod
    def random(cls, seed: int) -> Look:
        """A plausible person: dark skin comes with dark hair and eyes, the rest is free."""
        rng = np.random.default_rng(seed)
        tone = float(rng.uniform(0.0, 1.0))
        fair = 1.0 - tone
        eyes = EYE_COLOURS[min(int(rng.uniform(0, 1.2 + 5 * fair)), 5)]
        hair = HAIR_COLOURS[min(int(rng.uniform(0, 1.5 + 4.6 * fair)), 5)]
        return cls(
            seed=seed,
            skin_tone=tone,
            redness=float(rng.uniform(0.2, 0.9)),
            freckles=float(max(0.0, rng.uniform(-1.0, 1.0)) * fair),
            lip_tint=float(rng.uniform(0.2, 0.9)),
            eye_colour=eyes,
            hair_colour=hair,
            brow_density=float(rng.uniform(0.45, 1.0)),
            hair_cover=float(rng.choice([0.0, rng.uniform(0.6, 1.0)], p=[0.15, 0.85])),
            stubble=float(max(0.0, rng.uniform(-0.8, 0.7))),
        )


def skin_albedo(tone: float) -> NDArray[np.float64]:
    """(3,) sRGB albedo, 0..1, of a skin tone in 0..1 between the six `SKIN_TONES`."""
    x = np.clip(tone, 0.0, 1.0) * (len(SKIN_TONES) - 1)
    return np.array(
        [np.interp(x, np.arange(len(SKIN_TONES)), SKIN_TONES[:, c]) / 255.0 for c in range(3)]
    )
