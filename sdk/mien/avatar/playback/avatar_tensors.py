"""Names and shapes that an avatar's networks take and give, by file; all float32."""

from __future__ import annotations

from collections.abc import Mapping

from mien.avatar.playback.coefficient_model import network_tensors
from mien.avatar_kinds import Avatar, SplatsEntry, VolumeEntry

__all__ = ["Shape", "avatar_tensors", "volume_tensors"]

Shape = tuple[str | int, ...]
_NEIGHBOURS = 4


def avatar_tensors(entry: Avatar) -> Mapping[str, list[tuple[str, Shape]]]:
    """File -> inputs, then outputs of the network in it."""
    if isinstance(entry, SplatsEntry):
        told = network_tensors(len(entry.channels), len(entry.coefficients))
        return {entry.network: told}
    tensors = volume_tensors(entry)
    return {entry.files[name]: told for name, told in tensors.items()}


def volume_tensors(entry: VolumeEntry) -> Mapping[str, list[tuple[str, Shape]]]:
    """Of `features`, `coarse` and `field`: inputs, then outputs."""
    table: Shape = ("batch", entry.anchors, entry.width)
    sample: list[tuple[str, Shape]] = [
        ("offsets", ("samples", _NEIGHBOURS, 3)),
        ("features", ("samples", _NEIGHBOURS, entry.width)),
        ("shares", ("samples", _NEIGHBOURS)),
        ("heights", ("samples",)),
        ("presence", ("samples",)),
    ]
    density: tuple[str, Shape] = ("density", ("samples",))
    return {
        "features": [
            ("channels", ("batch", len(entry.channels))),
            ("head_rotation", ("batch", 4)),
            ("displacements", ("batch", entry.vertices, 3)),
            ("coarse", table),
            ("fine", table),
        ],
        "coarse": [*sample, density],
        "field": [*sample, ("view", ("samples", 3)), density, ("colour", ("samples", 3))],
    }
