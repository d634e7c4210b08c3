"""What to ask of a performer so that the next recording shows what this one lacked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mien_training.rig.coverage.shape_coverage import ShapeCoverage

__all__ = ["ACTIONS", "Request", "what_to_reshoot"]

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

_ACTION_OF = {name: action for action, names in ACTIONS.items() for name in names}


@dataclass(frozen=True)
class Request:
    """One thing to record."""

    sentence: str
    shapes: tuple[str, ...]
    """What it is good for."""


def what_to_reshoot(coverage: Sequence[ShapeCoverage]) -> tuple[Request, ...]:
    """Plain sentences, what is missing altogether first; empty if everything was observed.

    Shapes that one action shows share a sentence; what no camera can see is left out.
    """
    wanted = sorted(
        (c for c in coverage if c.verdict != "observed" and c.shortage != "hidden"),
        key=lambda c: c.evidence_weight,
    )
    groups: dict[str, list[ShapeCoverage]] = {}
    for shape in wanted:
        groups.setdefault(_ACTION_OF.get(shape.name, f"Show {_words(shape.name)}"), []).append(
            shape
        )
    return tuple(
        Request(_sentence(action, shapes), tuple(s.name for s in shapes))
        for action, shapes in groups.items()
    )


def _sentence(action: str, shapes: list[ShapeCoverage]) -> str:
    sides = {side for s in shapes for side in ("Left", "Right") if s.name.endswith(side)}
    pair = len(ACTIONS.get(action, ())) == 2 and not shapes[0].name.startswith("eyeLook")
    if pair and len(sides) == 1:
        action += f" (it is your {sides.pop().lower()} side that is missing)"
    worst = shapes[0]
    if worst.verdict == "unobserved":
        return f"{action}."
    if worst.shortage == "strength":
        return f"{action}: further than last time."
    if worst.shortage == "separation":
        if worst.partner in ACTIONS.get(action, ()):
            return f"{action}, one side after the other."
        other = "other movements" if worst.partner is None else f'"{_words(worst.partner)}"'
        return f"{action}, and nothing else: so far it came together with {other}."
    return f"{action}, and hold it for a second."


def _words(name: str) -> str:
    """`mouthSmileLeft` -> "mouth smile left"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
