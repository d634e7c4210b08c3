"""What to ask of a performer so that the next recording shows what this one lacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mien_training.head import Template
from mien_training.rig.coverage.movements import Movements
from mien_training.rig.coverage.shape_coverage import ShapeCoverage

__all__ = ["Request", "request_poses", "what_to_reshoot"]

_MOST = 10
"""Nobody performs a longer list."""
_WORTH_MM = 0.05
"""What would change the face by less than this is not asked for."""
_SHOWN_ON = {"mouthClose": "jawOpen"}


@dataclass(frozen=True)
class Request:
    """One thing to record."""

    action: str
    """Of `ACTIONS`."""
    sentence: str
    gain_mm: float
    """How far the movement moves the face, times what is not known of it."""


def what_to_reshoot(
    coverage: Sequence[ShapeCoverage], extent_mm: Mapping[str, float]
) -> tuple[Request, ...]:
    """At most ten plain sentences, what would change the rig most first.

    coverage, extent_mm: of `Movements`. Empty if every movement was observed; what no camera can
    see is left out.
    """
    missing = [
        Request(c.name, _sentence(c), (1 - c.evidence_weight) * extent_mm[c.name])
        for c in coverage
        if c.verdict != "observed" and c.shortage != "hidden"
    ]
    useful = sorted((r for r in missing if r.gain_mm >= _WORTH_MM), key=lambda r: -r.gain_mm)
    return tuple(useful[:_MOST])


def request_poses(person: Template, requests: Sequence[Request]) -> Template:
    """The person with one shape for each request, under its number: "1", "2", ..."""
    movements = Movements(person.shape_names)
    index = {name: k for k, name in enumerate(person.shape_names)}
    poses = []
    for request in requests:
        names = movements.shapes[request.action]
        shown = [*names, *(_SHOWN_ON[n] for n in names if n in _SHOWN_ON)]
        poses.append(person.shape_deltas[[index[n] for n in shown if n in index]].sum(0))
    return replace(
        person,
        shape_names=tuple(str(n + 1) for n in range(len(poses))),
        shape_deltas=np.stack(poses).astype(np.float32),
    )


def _sentence(movement: ShapeCoverage) -> str:
    action = movement.name
    if movement.verdict == "unobserved":
        return f"{action}."
    if movement.shortage == "strength":
        return f"{action}: further than last time."
    if movement.shortage == "separation":
        other = movement.partner
        together = "other movements" if other is None else f'"{other[0].lower()}{other[1:]}"'
        return f"{action}, and nothing else: so far it came together with {together}."
    return f"{action}, and hold it for a second."
