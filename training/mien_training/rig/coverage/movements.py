"""What footage says of each visible movement: the shapes that one action shows, taken together.

A smile moves mouthSmileLeft and mouthSmileRight alike, so footage of smiles hardly tells the two
apart, and need not: what a rig does with a smile is known. Evidence is counted for the movement.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien_training.rig.coverage.shape_coverage import ShapeCoverage, shape_coverage

__all__ = ["ACTIONS", "Movements"]

ACTIONS: dict[str, tuple[str, ...]] = {
    "Close both eyes": ("eyeBlinkLeft", "eyeBlinkRight"),
    "Look far down, with your head still": ("eyeLookDownLeft", "eyeLookDownRight"),
    "Look far to your left, with your head still": ("eyeLookOutLeft", "eyeLookInRight"),
    "Look far to your right, with your head still": ("eyeLookInLeft", "eyeLookOutRight"),
    "Look far up, with your head still": ("eyeLookUpLeft", "eyeLookUpRight"),
    "Squint as if into the sun": ("eyeSquintLeft", "eyeSquintRight"),
    "Open your eyes wide": ("eyeWideLeft", "eyeWideRight"),
    "Push your jaw forward": ("jawForward",),
    "Slide your jaw to your left": ("jawLeft",),
    "Slide your jaw to your right": ("jawRight",),
    "Open your mouth wide": ("jawOpen",),
    "Open your jaw with your lips kept shut": ("mouthClose",),
    'Make an open "oo" with your lips forward': ("mouthFunnel",),
    "Pucker your lips for a kiss": ("mouthPucker",),
    "Move your closed mouth to your left": ("mouthLeft",),
    "Move your closed mouth to your right": ("mouthRight",),
    "Smile broadly with your lips closed": ("mouthSmileLeft", "mouthSmileRight"),
    "Pull the corners of your mouth down": ("mouthFrownLeft", "mouthFrownRight"),
    "Press the corners of your mouth back into dimples": ("mouthDimpleLeft", "mouthDimpleRight"),
    "Stretch your mouth wide, as in fear": ("mouthStretchLeft", "mouthStretchRight"),
    "Roll your lower lip in over your teeth": ("mouthRollLower",),
    "Roll your upper lip in over your teeth": ("mouthRollUpper",),
    "Push your chin and lower lip up": ("mouthShrugLower",),
    "Push your upper lip up with the lower one": ("mouthShrugUpper",),
    "Press your lips together": ("mouthPressLeft", "mouthPressRight"),
    "Show your lower teeth": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "Show your upper teeth": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "Frown with your brows": ("browDownLeft", "browDownRight"),
    "Raise the inner ends of your brows, as in worry": ("browInnerUp",),
    "Raise the outer ends of your brows": ("browOuterUpLeft", "browOuterUpRight"),
    "Blow up your cheeks": ("cheekPuff",),
    "Raise your cheeks towards your eyes": ("cheekSquintLeft", "cheekSquintRight"),
    "Wrinkle your nose": ("noseSneerLeft", "noseSneerRight"),
    "Stick out your tongue": ("tongueOut",),
}
"""What to do -> the ARKit channels that show it."""


class Movements:
    """The movements that a rig's shapes make."""

    def __init__(self, shape_names: Sequence[str]) -> None:
        """Shapes of other names are movements of their own."""
        known = {name for names in ACTIONS.values() for name in names}
        self.shapes: dict[str, tuple[str, ...]] = {
            action: tuple(n for n in names if n in shape_names) for action, names in ACTIONS.items()
        }
        """Action -> shapes."""
        self.shapes = {action: names for action, names in self.shapes.items() if names}
        self.shapes |= {f"Show {_words(n)}": (n,) for n in shape_names if n not in known}
        index = {name: k for k, name in enumerate(shape_names)}
        self._rows = [[index[n] for n in names] for names in self.shapes.values()]

    def deltas(self, shape_deltas: ArrayLike) -> NDArray[np.float64]:
        """(M, V, 3) of the movements, of (K, V, 3) of the shapes."""
        shapes = np.asarray(shape_deltas, np.float64)
        return np.stack([shapes[rows].sum(0) for rows in self._rows])

    def weights(self, weights: ArrayLike) -> NDArray[np.float64]:
        """(N, M) means of the (N, K) weights of each movement's shapes."""
        values = np.asarray(weights, np.float64)
        return np.stack([values[:, rows].mean(1) for rows in self._rows], 1)

    def coverage(
        self, shape_deltas: ArrayLike, weights: ArrayLike, region: NDArray[np.bool_],
        duration_s: float,
    ) -> tuple[ShapeCoverage, ...]:  # fmt: skip
        """`shape_coverage` of the movements, which are its names."""
        return shape_coverage(
            tuple(self.shapes), self.deltas(shape_deltas), self.weights(weights), region, duration_s
        )

    def extent_mm(self, shape_deltas: ArrayLike, region: NDArray[np.bool_]) -> dict[str, float]:
        """How far each movement moves the face (V,), root mean square, mm."""
        moved = 1000 * self.deltas(shape_deltas)[:, region]
        extent = np.sqrt(np.square(moved).sum(2).mean(1))
        return dict(zip(self.shapes, extent.tolist(), strict=True))


def _words(name: str) -> str:
    """`mouthSmileLeft` -> "mouth smile left"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
