"""A scanned head's relief, from its normal map, on the face atlas; and what a basis lacks of it.

Drawn skin has the folds that its generator knows. What a real face has beside them is as large as
a scan shows: it widens what the basis leaves open, texel by texel, and no mode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mien.errors import InputError
from mien_training.detail.basis.detail_basis import DetailBasis
from mien_training.geometry.nearest_surface import NearestPoints, nearest_on_surface
from mien_training.head import Template
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.relief.height_from_slopes import height_from_slopes
from mien_training.rendering.relief.relief_normals import atlas_gradients
from mien_training.rig.scan.registration import ScanFit, ScanFitConfig, register_scan
from mien_training.rig.scan.scan import Scan, read_scan
from mien_training.rig.scan.scan_landmarks import find_landmarks
from mien_training.rig.scan.scan_target import corner_shares
from mien_training.runs.progress import Report, silent

__all__ = ["ScannedRelief", "read_relief", "widened"]

Float64Array = NDArray[np.float64]
_NEAR_M = 0.003
"""Of the registered head from the scan, where its relief is taken to be the same place's."""
_LEAST_TILT = 0.2
"""Height of a normal above the surface below which a map's slope is not believed."""
_AROUND = 8.0
"""Standard deviation of the neighbourhood in which relief's size is measured, texels."""


@dataclass(frozen=True, eq=False)
class ScannedRelief:
    """A head at rest."""

    person: Template
    """The template with the scan's face."""
    fit: ScanFit
    scan: Scan
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


def read_relief(
    mesh: Path, normals: Path, colour: Path | None, template: Template, size: int,
    report: Report = silent,
) -> ScannedRelief:  # fmt: skip
    """mesh: a scan with texture coordinates; normals: its tangent-space normal map (green up), an
    image; colour: its photographed skin, if the mesh does not carry it.

    Raises InputError for files that cannot be read, a mesh without texture coordinates, or without
    a face.
    """
    scan = read_scan(mesh, None, colour)
    if scan.uvs is None:
        raise InputError(f"{mesh}: no texture coordinates, expected those of {normals.name}")
    try:
        with Image.open(normals) as file:
            picture = np.asarray(file.convert("RGB"))
    except OSError as error:
        raise InputError(f"{normals}: not a normal map: {error}") from None
    found = find_landmarks(scan, template)
    fit = register_scan(scan, template, ScanFitConfig(scalp=1.0), found, report)
    scan = found.scan
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
    return ScannedRelief(person, fit, scan, texels.texel, slopes, along, near, height)


def widened(basis: DetailBasis, height: NDArray[np.floating], blur: float = 12.0) -> DetailBasis:
    """The basis, what it leaves open of the part at rest being at least as large as what it lacks
    of a real face's `height` (S, S) and of its mirror image, coarser than `blur` texels apart."""
    fine = height - ndimage.gaussian_filter(height, blur)
    squares = []
    for image in (fine, fine[:, ::-1]):
        given = image.reshape(-1)[basis.texel]
        lacking = given - basis.parts[0].heights(basis.parts[0].coefficients(given))
        squares.append(ndimage.gaussian_filter(basis.image(lacking) ** 2, _AROUND))
    variance = np.mean(squares, 0).reshape(-1)[basis.texel]
    pairs = np.einsum("ikn,jkn->nij", basis.rest, basis.rest).astype(np.float64)
    pairs[:, 0, 0] = np.maximum(pairs[:, 0, 0], variance)
    rest = np.linalg.cholesky(pairs).transpose(1, 2, 0)
    return replace(basis, rest=np.ascontiguousarray(rest, np.float32))


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
