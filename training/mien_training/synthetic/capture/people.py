"""Somebody whom the template's linear basis cannot make, painted, with hair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.rig import Material
from mien_training.anatomy.eyelids import fit_eyelids
from mien_training.head import Template
from mien_training.rendering.paint import Look, paint_materials
from mien_training.synthetic.capture.occluders import WearSpec, Worn, draw_hair
from mien_training.synthetic.person import off_basis_neutral
from mien_training.synthetic.personal_shapes import personal_deltas

__all__ = ["CapturePerson", "PeopleSpec", "capture_person"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class PeopleSpec:
    """How people differ from the template and from each other."""

    off_basis_m: float = 0.0015
    """Root mean square of a smooth field that the template's identities cannot express, metres."""
    shortest_m: float = 0.03
    """Shortest wavelength of that field, metres; the longest is 0.11."""
    shape_strength: float = 1.0
    """How far their expressions differ from the template's (personal_deltas)."""
    texture_side: int = 256
    """Of the skin's texture, texels."""

    def __post_init__(self) -> None:
        if not 0 <= self.off_basis_m < 0.1:
            raise InputError(f"PeopleSpec: off_basis_m {self.off_basis_m}, expected 0 to 0.1")
        if not 0.005 <= self.shortest_m <= 0.11:
            raise InputError(f"PeopleSpec: shortest_m {self.shortest_m}, expected 0.005 to 0.11")
        if not 0 <= self.shape_strength < 10:
            raise InputError(f"PeopleSpec: shape_strength {self.shape_strength}, expected 0 to 10")
        if not 16 <= self.texture_side <= 8192:
            raise InputError(
                f"PeopleSpec: texture_side {self.texture_side}, expected 16 to 8192 texels"
            )


@dataclass(frozen=True, eq=False)
class CapturePerson:
    """One of them at rest."""

    template: Template
    seed: int
    spec: PeopleSpec
    unfitted: Float32Array
    """(V, 3) neutral before its lids were fitted, metres, rig space."""
    neutral: Float32Array
    """(V, 3) true neutral, metres, rig space."""
    look: Look
    materials: tuple[Material, ...]
    """One per entry of MATERIALS, painted."""
    hair: tuple[Worn, ...]
    """Hair, cap, beard: what they wear in every moment."""

    def deltas(self, names: Sequence[str]) -> Float32Array:
        """(K, V, 3) those of their shapes, metres: what `personal_geometry` says of all of them,
        for as much of its time. Raises InputError for a shape that the template lacks."""
        unknown = set(names) - set(self.template.shape_names)
        if unknown:
            raise InputError(f"CapturePerson.deltas: no shapes {sorted(unknown)}")
        rows = [self.template.shape_names.index(name) for name in names]
        some = replace(
            self.template,
            shape_names=tuple(names),
            shape_deltas=self.template.shape_deltas[rows],
        )
        own = personal_deltas(some, self.seed, self.spec.shape_strength)
        return fit_eyelids(self.template, self.unfitted, own, names)[1]


@lru_cache(maxsize=4)
def capture_person(
    template: Template, seed: int, spec: PeopleSpec, wear: WearSpec
) -> CapturePerson:
    """Person `seed`; the last few are kept. Raises InputError for a template of one person."""
    unfitted = off_basis_neutral(template, seed, spec.off_basis_m, spec.shortest_m)
    nothing = np.zeros((0, *unfitted.shape), np.float32)
    neutral, _ = fit_eyelids(template, unfitted, nothing, ())
    look, hair = draw_hair(wear, template, neutral, Look.random(seed), seed)
    materials = paint_materials(template, neutral, look, spec.texture_side)
    return CapturePerson(template, seed, spec, unfitted, neutral, look, materials, hair)
