"""A scanned head as read from a file: triangles, colours, and what its numbers are measured in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError

__all__ = ["SCAN_SUFFIXES", "UNITS", "Scan", "read_scan"]

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
"""Metres in one of each."""

SCAN_SUFFIXES = (".glb", ".gltf", ".obj", ".ply")
"""Files that are read."""
_FEWEST_TRIANGLES = 200


@dataclass(frozen=True, eq=False)
class Scan:
    """One surface, possibly open, in the file's own axes and unit."""

    source: str
    """Where it came from; named in errors."""
    vertices: Float64Array
    """(V, 3) file's unit; split where colours need it."""
    triangles: Int64Array
    """(F, 3) counter-clockwise seen from outside; none without area."""
    metres_per_unit: float | None = None
    """None: nobody said; `find_landmarks` then measures the face."""
    uvs: Float64Array | None = None
    """(V, 2) texture coordinates, (0, 0) the upper left corner, as in glTF."""
    texture: NDArray[np.uint8] | None = None
    """(H, W, 3) sRGB; there only together with uvs."""
    colours: NDArray[np.uint8] | None = None
    """(V, 3) sRGB of the vertices, for scans without a texture."""

    def flipped(self) -> Scan:
        """The same with the texture upside down."""
        if self.uvs is None:
            return self
        return replace(self, uvs=np.column_stack([self.uvs[:, 0], 1 - self.uvs[:, 1]]))

    def welded(self) -> tuple[Float64Array, Int64Array]:
        """Vertices and triangles with all vertices of one place made one: no seams."""
        places, index = np.unique(self.vertices, axis=0, return_inverse=True)
        return places, index.reshape(-1)[self.triangles]

    @cached_property
    def normals(self) -> Float64Array:
        """(V, 3) unit normals, weighted by the triangles' areas; seams do not show."""
        _, first, place = np.unique(self.vertices, axis=0, return_index=True, return_inverse=True)
        place = place.reshape(-1)
        triangles = place[self.triangles]
        corners = self.vertices[first][triangles]
        scaled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        sums = np.stack(
            [
                np.bincount(triangles.T.ravel(), np.tile(scaled[:, x], 3), len(first))
                for x in range(3)
            ],
            1,
        )
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.asarray((sums / np.maximum(length, 1e-300))[place], np.float64)

    def colour_at(self, triangle: Int64Array, shares: Float64Array) -> Float64Array:
        """(P, 3) sRGB 0..255 at points given by triangle (P,) and shares (P, 3) of its corners.

        Bilinear in the texture, or between the vertices' colours; grey where there are neither.
        """
        corners = self.triangles[triangle]
        if self.uvs is not None and self.texture is not None:
            uv = np.einsum("pc,pcx->px", shares, self.uvs[corners])
            return _bilinear(self.texture, uv)
        if self.colours is not None:
            return np.asarray(np.einsum("pc,pcx->px", shares, self.colours[corners].astype(float)))
        return np.full((len(corners), 3), _CLAY, np.float64)


_CLAY = 180.0


def read_scan(
    path: str | Path,
    units: str | None = None,
    texture: str | Path | None = None,
) -> Scan:
    """A head scan from a .glb, .gltf, .obj or .ply file, with its texture or vertex colours.

    units: "m", "cm", "mm" or "in"; None where unknown (of glTF too: its metres are often not
        meant), then the size of the face decides later.
    texture: an image beside the mesh, in place of what the file names.

    Loose and flat triangles are dropped; several meshes become one, of which one may have a
    texture. Raises InputError, naming the file, for everything that is not such a scan.
    """
    file = Path(path)
    if units is not None and units not in UNITS:
        raise InputError(f"read_scan: units {units!r}, expected one of {', '.join(UNITS)} or None")
    if file.suffix.lower() not in SCAN_SUFFIXES:
        raise InputError(f"scan {file}: expected a {', '.join(SCAN_SUFFIXES)} file")
    if not file.is_file():
        raise InputError(f"scan {file}: there is no such file")
    meshes = _meshes(file)
    vertices = np.concatenate([np.asarray(m.vertices, np.float64) for m in meshes])
    starts = np.cumsum([0] + [len(m.vertices) for m in meshes])
    triangles = np.concatenate(
        [np.asarray(m.faces, np.int64) + s for m, s in zip(meshes, starts, strict=False)]
    )
    if not np.isfinite(vertices).all():
        raise InputError(f"scan {file}: positions hold NaN or infinity")
    if len(triangles) and (triangles.min() < 0 or triangles.max() >= len(vertices)):
        raise InputError(f"scan {file}: triangles index outside the {len(vertices)} vertices")
    triangles = _solid(vertices, triangles)
    if len(triangles) < _FEWEST_TRIANGLES:
        raise InputError(
            f"scan {file}: {len(triangles)} triangles with area, expected at least "
            f"{_FEWEST_TRIANGLES} (a point cloud or a compressed mesh must be converted first)"
        )
    uvs, image = _texture(file, meshes, None if texture is None else Path(texture))
    colours = None if image is not None else _vertex_colours(meshes)
    return Scan(
        str(file), vertices, triangles, None if units is None else UNITS[units],
        uvs, image, colours,
    )  # fmt: skip


def _meshes(file: Path) -> list[Any]:
    """All triangle meshes of the file, where its scene puts them."""
    try:
        scene = trimesh.load_scene(str(file), process=False)
        found = [m for m in scene.dump() if isinstance(m, trimesh.Trimesh) and len(m.faces)]
    except Exception as reason:  # the readers raise whatever their parsers raise
        raise InputError(f"scan {file}: cannot be read ({reason})") from None
    if not found:
        raise InputError(f"scan {file}: holds no triangles, expected a mesh")
    return found


def _solid(vertices: Float64Array, triangles: Int64Array) -> Int64Array:
    corners = vertices[triangles]
    edges = corners[:, [1, 2, 0]] - corners
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    longest = np.square(edges).sum(2).max(1, initial=0.0)
    return np.asarray(triangles[area > 1e-9 * longest])


def _texture(
    file: Path, meshes: list[Any], given: Path | None
) -> tuple[Float64Array | None, NDArray[np.uint8] | None]:
    """Coordinates of all vertices, glTF's convention, and the image; None where there is none."""
    counts = [len(m.vertices) for m in meshes]
    uvs = [getattr(m.visual, "uv", None) for m in meshes]
    images = [_image_of(m) if u is not None else None for m, u in zip(meshes, uvs, strict=True)]
    if given is not None:
        if all(u is None for u in uvs):
            raise InputError(f"scan {file}: has no texture coordinates for {given}")
        chosen: NDArray[np.uint8] | None = _read_image(given)
        textured = [u is not None for u in uvs]
    else:
        textured = [p is not None for p in images]
        if sum(textured) > 1:
            raise InputError(
                f"scan {file}: {sum(textured)} textured meshes, expected one texture; merge them"
            )
        if not any(textured):
            return None, None
        chosen = images[textured.index(True)]
    whole = []
    for uv, count, use in zip(uvs, counts, textured, strict=True):
        if not use or uv is None:
            whole.append(np.zeros((count, 2)))
            continue
        table = np.asarray(uv, np.float64)
        if table.shape != (count, 2) or not np.isfinite(table).all():
            raise InputError(f"scan {file}: texture coordinates {table.shape}, expected finite")
        whole.append(np.column_stack([table[:, 0], 1 - table[:, 1]]))  # the library counts upwards
    return np.concatenate(whole), chosen


def _image_of(mesh: Any) -> NDArray[np.uint8] | None:
    material = getattr(mesh.visual, "material", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    return None if image is None else np.asarray(image.convert("RGB"), np.uint8)


def _read_image(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"), np.uint8)
    except (OSError, ValueError, Image.DecompressionBombError) as reason:
        raise InputError(f"texture {path}: not an image ({reason})") from None


def _vertex_colours(meshes: list[Any]) -> NDArray[np.uint8] | None:
    if not all(getattr(m.visual, "kind", None) == "vertex" for m in meshes):
        return None
    return np.concatenate([np.asarray(m.visual.vertex_colors, np.uint8)[:, :3] for m in meshes])


def _bilinear(image: NDArray[np.uint8], uv: Float64Array) -> Float64Array:
    """(P, 3) values at (P, 2) coordinates; texel centres at +0.5, repeated beyond 0..1."""
    height, width = image.shape[:2]
    inside = uv - np.floor(uv) * ((uv < 0) | (uv > 1))
    at = (inside * [width, height] - 0.5).clip(0, [width - 1, height - 1])
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, [width - 1, height - 1])
    (fx, fy) = (at - low).T[..., None]
    top = image[low[:, 1], low[:, 0]] * (1 - fx) + image[low[:, 1], high[:, 0]] * fx
    bottom = image[high[:, 1], low[:, 0]] * (1 - fx) + image[high[:, 1], high[:, 0]] * fx
    return np.asarray(top * (1 - fy) + bottom * fy, np.float64)
