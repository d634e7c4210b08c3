"""The last step of a fit: whatever an optimisation left becomes a rig that animates cleanly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.rig import Joint
from mien_training.anatomy.eyeballs import joints_in_eyeballs, turn_eyeballs
from mien_training.anatomy.eyelids import LidContact, fit_eyelids, lid_contacts
from mien_training.anatomy.intersection_count import IntersectionCount, count_intersections
from mien_training.anatomy.jaw_and_teeth import bind_to_jaw
from mien_training.anatomy.lips import fit_lips
from mien_training.head import Template
from mien_training.templates.person import person_template

__all__ = ["FinishedRig", "finish_rig"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FinishedRig:
    """A person's rig in a template's topology, ready to animate, and what it took."""

    neutral: Float32Array
    """(V, 3) metres, rig space."""
    deltas: Float32Array
    """(K, V, 3) in the template's order, metres."""
    joints: tuple[Joint, ...]
    """The template's, the eyes' in this person's eyeballs."""
    jaw_pivot: tuple[float, float, float]
    """The template's, moved to this person, metres."""
    lids: dict[str, tuple[LidContact, LidContact]]
    """eyeBlink shape -> how the eye closed before and after."""
    intersections: dict[str, IntersectionCount]
    """ "neutral" and every shape at weight 1; empty if they were not to be counted."""


def finish_rig(
    template: Template, neutral: Float32Array, deltas: Float32Array, count: bool = True
) -> FinishedRig:
    """A fitted neutral (V, 3) and shapes (K, V, 3), metres, made ready to animate.

    Eyeballs become rigid and turn about their centres, teeth, gums and tongue hang on skull and
    jaw behind the lips, lips meet where the template's do, lids lie on the eyeballs and meet in a
    blink. Skin elsewhere stays as it is, and what is
    right already does: a finished rig comes back unchanged, and so does a template that keeps
    these rules. `count`: also count self-intersections (some tenths of a second a shape).

    Raises InputError for other shapes and for numbers that are not finite.
    """
    expected = (template.vertices.shape, template.shape_deltas.shape)
    if (neutral.shape, deltas.shape) != expected:
        raise InputError(
            f"finish_rig: neutral {neutral.shape} and deltas {deltas.shape}, template "
            f"{template.name!r} has {expected[0]} and {expected[1]}"
        )
    if not (np.isfinite(neutral).all() and np.isfinite(deltas).all()):
        raise InputError("finish_rig: neutral or deltas hold NaN or infinity, expected finite")
    before = neutral.astype(np.float32), deltas.astype(np.float32)
    lips = fit_lips(template, *before)  # first: teeth stand behind them
    after = fit_eyelids(template, *turn_eyeballs(template, *bind_to_jaw(template, *lips)))
    closed = [lid_contacts(template, *rig) for rig in (before, after)]
    return FinishedRig(
        *after,
        joints=joints_in_eyeballs(template, after[0]),
        jaw_pivot=person_template(template, template.name, *after).jaw_pivot,
        lids={name: (closed[0][name], closed[1][name]) for name in closed[0]},
        intersections=count_intersections(template, before, after) if count else {},
    )
