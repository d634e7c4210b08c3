"""Feature layouts and vectors held against what a character takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.service.character_registry import ServedCharacter
from mien.service.wire import Layout

__all__ = ["check_features", "check_layout", "layout_of"]

Float32Array = NDArray[np.float32]


def layout_of(served: ServedCharacter) -> Layout:
    """The features that a character takes, with their hash."""
    layout = Layout(served.character.layout.names_and_sizes)
    return replace(layout, sha256=layout.hash)


def check_layout(given: Layout, served: ServedCharacter) -> None:
    """Raise InputError unless names, sizes and hash, as far as given, are the character's."""
    expected = layout_of(served)
    if not given.groups and not given.sha256:
        raise InputError(
            f"character {served.character.name!r} needs the feature layout by name: {expected}"
        )
    if given.groups and given.groups != expected.groups:
        raise InputError(
            f"character {served.character.name!r} takes the feature groups {expected}, in this "
            f"order; the client sends {given}"
        )
    if given.sha256 and given.sha256 != expected.sha256:
        raise InputError(
            f"the feature layout's hash is {given.sha256!r}; character {served.character.name!r} "
            f"takes {expected} with hash {expected.sha256!r}"
        )


def check_features(features: Float32Array, layout: Layout, performer: str) -> None:
    """Raise InputError unless `features` are as many as the layout has, and finite."""
    if features.shape != (layout.size,):
        raise InputError(
            f"performer {performer!r}: {features.size} feature values, expected {layout.size}: "
            f"{layout}"
        )
    bad = np.flatnonzero(~np.isfinite(features))
    if len(bad):
        index = int(bad[0])
        raise InputError(
            f"performer {performer!r}: feature {_name_of(index, layout)} is {features[index]}, "
            "expected finite numbers"
        )


def _name_of(index: int, layout: Layout) -> str:
    """Where in the layout a value stands, as group[place]."""
    for name, size in layout.groups:
        if index < size:
            return f"{name}[{index}]"
        index -= size
    raise IndexError(index)
