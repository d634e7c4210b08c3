"""The colours of a scan in a template's own texture layout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.deform import vertex_normals
from mien.errors import InputError
from mien.rig import Material
from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.alignment import Alignment
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template
from mien_training.rendering.bake import bake_texels, dilate
from mien_training.rendering.paint.materials import ROUGHNESS
from mien_training.rig.scan.scan_target import corner_shares

__all__ = ["scan_texture"]

_REACH_M = 0.004
_AGREE = 0.3


def scan_texture(
    scan: Scan,
    template: Template,
    vertices: NDArray[np.float32],
    world_from_rig: Alignment,
    attracted: NDArray[np.float64] | None = None,
    size: int = 1024,
) -> Material:
    """The skin's material with the scan's colours: each texel takes those of the nearest place.

    vertices: (V, 3) head as it is in the scan (`ScanFit.fitted`), rig space, metres;
    world_from_rig: `ScanFit.world_from_rig`; the scan as in `ScanLandmarks.scan`, its texture the
    right way up. attracted: (V,) as in `ScanFit`: where it is near 0, and where the scan is
    farther than 4 mm or faces elsewhere, colours come from around. Raises InputError for a scan
    without colours, other shapes, or one that lies nowhere near.
    """
    if scan.texture is None and scan.colours is None:
        raise InputError(f"scan_texture: scan {scan.source} has neither texture nor colours")
    if vertices.shape != template.vertices.shape:
        raise InputError(
            f"scan_texture: vertices {vertices.shape}, template {template.name!r} has "
            f"{template.vertices.shape}"
        )
    texels = bake_texels(template, MATERIALS.index("skin"), size)
    points = texels.interpolate(vertices).astype(np.float64)
    normals = texels.interpolate(vertex_normals(vertices, template.triangles))
    hit = nearest_on_surface(scan.vertices, scan.triangles, world_from_rig.points(points))
    shares = corner_shares(scan.vertices[scan.triangles[hit.triangle]], hit.positions)
    found_normals = np.einsum("pc,pcx->px", shares, scan.normals[scan.triangles[hit.triangle]])
    agree = (found_normals * (normals @ world_from_rig.rotation.T)).sum(1)
    good = (hit.distance < _REACH_M * world_from_rig.scale) & (agree > _AGREE)
    if attracted is not None:
        good &= texels.interpolate(attracted.astype(np.float32)) > 0.1
    if not good.any():
        raise InputError(f"scan_texture: scan {scan.source} lies nowhere near the head")
    colours = scan.colour_at(hit.triangle, shares)
    image = np.zeros((size * size, 3), np.uint8)
    image[texels.texel[good]] = np.rint(colours[good].clip(0, 255))
    known = np.zeros(size * size, np.bool_)
    known[texels.texel[good]] = True
    shape = (size, size)
    filled = dilate(image.reshape(*shape, 3), known.reshape(shape))
    return Material("skin", filled, roughness=ROUGHNESS["skin"])
