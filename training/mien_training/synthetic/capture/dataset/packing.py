"""Moments as few bytes: labels only where the head is seen, in the precision that learning needs.

Canonical coordinates in steps of some micrometres, normals to a third of a degree, scans in single
precision. 8 views of at most 192 pixels a side take about 1.3 MB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.head import MATERIALS, Template
from mien_training.synthetic.capture.moments import CaptureMoment
from mien_training.synthetic.capture.scans import Scan

__all__ = ["moments_in", "pack_moments", "unpack_moment"]

Arrays = Mapping[str, NDArray[Any]]

_STEPS = 65535


def pack_moments(moments: Sequence[CaptureMoment], template: Template) -> dict[str, NDArray[Any]]:
    """Arrays to be written as one file; `canonical` (2, 3): the box of the template's head."""
    low, high = template.vertices.min(0), template.vertices.max(0)
    found: dict[str, NDArray[Any]] = {"canonical": np.stack([low, high])}
    for number, moment in enumerate(moments):
        for name, value in _packed(moment, low, high).items():
            found[f"{number}/{name}"] = value
    return found


def moments_in(arrays: Arrays) -> int:
    """How many moments `pack_moments` was given."""
    return sum(name.endswith("/numbers") for name in arrays)


def unpack_moment(arrays: Arrays, number: int) -> CaptureMoment:
    """Moment `number`. Raises InputError where a field is missing."""

    def read(name: str) -> NDArray[Any]:
        if f"{number}/{name}" not in arrays:
            raise InputError(f"unpack_moment: moment {number} has no {name!r}")
        return arrays[f"{number}/{name}"]

    part, images, vertices = read("part"), read("images"), read("vertices")
    head = _on_head(part)
    low, high = arrays["canonical"].astype(np.float64)
    canonical = np.zeros((*part.shape, 3), np.float32)
    canonical[head] = low + read("places").astype(np.float64) / _STEPS * (high - low)
    normals = np.zeros((*part.shape, 3), np.float32)
    coded = read("directions").astype(np.float32)
    normals[head] = coded / np.linalg.norm(coded, axis=1, keepdims=True)
    visible = np.unpackbits(read("visible"), axis=1, count=len(vertices)).astype(np.bool_)
    person, rig, seed = (int(n) for n in read("numbers"))
    scan = None
    if f"{number}/scan_points" in arrays:
        scan = Scan(read("scan_points"), read("scan_normals"), read("scan_triangle"))
    return CaptureMoment(
        images=images,
        part=part,
        canonical=canonical,
        normals=normals,
        visible=visible,
        cameras=_cameras(read("cameras"), images),
        believed=_cameras(read("believed"), images),
        vertices=vertices,
        world_from_head=read("world_from_head"),
        weights=read("weights"),
        person=person,
        rig=rig,
        seed=seed,
        scan=scan,
    )


def _packed(
    moment: CaptureMoment, low: NDArray[np.float32], high: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    head = _on_head(moment.part)
    places = (moment.canonical[head].astype(np.float64) - low) / (high - low)
    found: dict[str, NDArray[Any]] = {
        "images": moment.images,
        "part": moment.part,
        "places": np.rint(places.clip(0, 1) * _STEPS).astype(np.uint16),
        "directions": np.rint(127 * moment.normals[head]).astype(np.int8),
        "visible": np.packbits(moment.visible, axis=1),
        "cameras": _numbers(moment.cameras),
        "believed": _numbers(moment.believed),
        "vertices": moment.vertices,
        "world_from_head": moment.world_from_head,
        "weights": moment.weights,
        "numbers": np.array([moment.person, moment.rig, moment.seed], np.int64),
    }
    if moment.scan is not None:
        found["scan_points"] = moment.scan.points
        found["scan_normals"] = moment.scan.normals
        found["scan_triangle"] = moment.scan.triangle
    return found


def _on_head(part: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Where pixels show the head itself."""
    return np.asarray((part >= 0) & (part < len(MATERIALS)))


def _numbers(cameras: Sequence[Camera]) -> NDArray[np.float64]:
    """(C, 27) K, camera_from_world, k1 and k2."""
    return np.stack(
        [np.concatenate([c.K.ravel(), c.camera_from_world.ravel(), (c.k1, c.k2)]) for c in cameras]
    )


def _cameras(numbers: NDArray[np.float64], images: NDArray[np.uint8]) -> tuple[Camera, ...]:
    height, width = images.shape[1:3]
    return tuple(
        Camera(row[:9].reshape(3, 3), row[9:25].reshape(4, 4), width, height, row[25], row[26])
        for row in numbers
    )
