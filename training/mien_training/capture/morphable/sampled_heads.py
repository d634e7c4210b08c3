"""The linear model of the people that captures are trained with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.anatomy.eyelids import fit_eyelids
from mien_training.capture.morphable.linear_heads import LinearHeads, principal_components
from mien_training.head import Template
from mien_training.synthetic.capture.faces import FaceSpec, draw_face
from mien_training.synthetic.capture.people import PeopleSpec
from mien_training.synthetic.person import off_basis_neutral

__all__ = ["sampled_heads"]

_FACES = 400
"""How many faces tell how strong each shape is; all seeds draw from one distribution."""


def sampled_heads(
    template: Template,
    seeds: Sequence[int],
    components: int = 60,
    people: PeopleSpec | None = None,
    faces: FaceSpec | None = None,
) -> LinearHeads:
    """Principal components of the neutrals of people `seeds`, then the template's shapes.

    People are those of `CapturePerson`, by their seeds; of a shape's weight the variance is its
    mean square over drawn faces. A function of the arguments alone. Raises InputError for fewer
    than two people, or a template of one person.
    """
    people, faces = people or PeopleSpec(), faces or FaceSpec()
    if len(seeds) < 2:
        raise InputError(f"sampled_heads: {len(seeds)} people, expected at least 2")
    neutrals = np.empty((len(seeds), *template.vertices.shape), np.float32)
    nothing = np.zeros((0, *template.vertices.shape), np.float32)
    for number, seed in enumerate(seeds):
        unfitted = off_basis_neutral(template, seed, people.off_basis_m, people.shortest_m)
        neutrals[number] = fit_eyelids(template, unfitted, nothing, ())[0]
    mean, basis, variances = principal_components(neutrals, components)
    drawn = np.stack([draw_face(faces, seed).weights for seed in range(_FACES)])
    strength = np.square(drawn.astype(np.float64)).mean(0)
    rows = [ARKIT_CHANNELS.index(name) for name in template.shape_names]
    moving = (strength[rows] > 0) & (np.abs(template.shape_deltas).max((1, 2)) > 0)
    return LinearHeads(
        mean,
        np.concatenate([basis, template.shape_deltas[moving]]),
        np.concatenate([variances, strength[rows][moving]]),
    )
