"""A scanned head's relief, from its normal map, on the face atlas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.nearest_surface import NearestPoints, nearest_on_surface
from mien_training.head import Template
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.relief.height_from_slopes import height_from_slopes
from mien_training.rendering.relief.relief_normals import atlas_gradients
from mien_training.rig.scan.registration import ScanFit
from mien_training.rig.scan.scan_target import corner_shares

__all__ = ["ScannedRelief", "relief_of_scan"]

Float64Array = NDArray[np.float64]
_NEAR_M = 0.003
"""Of the registered head from the scan, where its relief is taken to be the same place's."""
_LEAST_TILT = 0.2
"""Height of a normal above the surface below which a map's slope is not believed."""


@dataclass(frozen=True, eq=False)
class ScannedRelief:
    """A head at rest."""

    person: Template
    """The template with the scan's face."""
    texel: NDArray[np.int64]
    """(N,) of the flattened atlas that lie on the face."""
    slopes: Float64Array
    """(N, 3) of the height along the surface, in rig axes."""
    along: NDArray[np.float32]
    """(N, 2, 3) gradients of the atlas's u and v along the surface, per metre."""
    near: NDArray[np.bool_]
    """(N,) whether scan and registered head agree there."""
    height: NDArray[np.float32]
    """(S, S) metres whose slopes are nearest to these."""


def relief_of_scan(
    scan: Scan, normals: Path, fit: ScanFit, template: Template, size: int
) -> ScannedRelief:
    """scan: as `find_landmarks` left it, registered by `fit`; normals: its tangent-space normal map
    (green up), an image; size: side of the atlas, texels.

    Raises InputError for a scan without texture coordinates, and for a file that is no image.
    """
    if scan.uvs is None:
        raise InputError(f"{scan.source}: no texture coordinates, expected those of {normals.name}")
    try:
        with Image.open(normals) as file:
            picture = np.asarray(file.convert("RGB"))
    except OSError as error:
        raise InputError(f"{normals}: not a normal map: {error}") from None
    person = replace(template, vertices=np.ascontiguousarray(fit.fitted, np.float32))
    atlas = FaceAtlas.of(person)
    texels = atlas.texels(size)
    move = fit.world_from_rig
    points = texels.interpolate(person.vertices).astype(np.float64)
    hit = nearest_on_surface(scan.vertices, scan.triangles, move.points(points))
    shares = corner_shares(scan.vertices[scan.triangles[hit.triangle]], hit.positions)
    normal = np.einsum("pc,pcx->px", shares, scan.normals[scan.triangles[hit.triangle]])
    slopes = _slopes(scan, picture, hit, normal) @ move.rotation
    gradients = atlas_gradients(
        torch.from_numpy(person.vertices)[None], atlas.triangles, torch.from_numpy(atlas.places)
    )[0]
    along = texels.interpolate(gradients.reshape(len(gradients), 6).numpy()).reshape(-1, 2, 3)
    near = hit.distance < _NEAR_M * move.scale
    # Along u by moving along the surface so that u grows by 1 and v stays: the dual basis.
    gram = np.einsum("nix,njx->nij", along, along) + 1e-9 * np.eye(2)
    beside = np.einsum("nix,nx->ni", along, slopes * near[:, None])
    image = np.zeros((2, size * size))
    image[:, texels.texel] = np.linalg.solve(gram, beside[..., None])[..., 0].T
    height = height_from_slopes(image.reshape(2, size, size))
    return ScannedRelief(person, texels.texel, slopes, along, near, height)


def _slopes(
    scan: Scan, picture: NDArray[np.uint8], hit: NearestPoints, normal: Float64Array
) -> Float64Array:
    """(N, 3) of the relief along the surface that a tangent-space map shows at hit places."""
    assert scan.uvs is not None
    shares = corner_shares(scan.vertices[scan.triangles[hit.triangle]], hit.positions)
    mapped = replace(scan, texture=picture).colour_at(hit.triangle, shares) / 127.5 - 1
    corners = scan.triangles[hit.triangle]
    a, b = (scan.vertices[corners[:, k]] - scan.vertices[corners[:, 0]] for k in (1, 2))
    ua, ub = (scan.uvs[corners[:, k]] - scan.uvs[corners[:, 0]] for k in (1, 2))
    area = ua[:, 0] * ub[:, 1] - ub[:, 0] * ua[:, 1]
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    tangent = (a * ub[:, 1:] - b * ua[:, 1:]) / area[:, None]
    down = (b * ua[:, :1] - a * ub[:, :1]) / area[:, None]

    def along(axis: Float64Array) -> Float64Array:
        flat = axis - (axis * normal).sum(1, keepdims=True) * normal
        return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12))

    z = np.maximum(mapped[:, 2:], _LEAST_TILT)
    return np.asarray(-(mapped[:, :1] / z) * along(tangent) + (mapped[:, 1:2] / z) * along(down))
