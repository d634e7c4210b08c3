"""Images of one head and what it wears, fast and forward only: the path that training data takes.

All meshes share one z-buffer: the rig's, and any number of others (hair, glasses, shoulders) that
are handed in as `SceneMesh` and placed anew for every frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import warp as wp
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien.rig import Material, Rig
from mien_training.cameras.camera import Camera, project
from mien_training.rendering import raster_kernels as kernels
from mien_training.rendering.ambient_occlusion import rig_ambient_occlusion
from mien_training.rendering.relief.drawn_relief import DrawnRelief, no_relief
from mien_training.rendering.scene.label_maps import LabelMaps, read_label_maps
from mien_training.rendering.scene.scene_mesh import PlacedMesh, SceneMesh, part_index
from mien_training.rendering.shading import (
    LINEAR_OF_SRGB8,
    SRGB8_OF_ROOT,
    Lighting,
    linear_from_srgb,
    studio_lighting,
    surface_parameters,
)

__all__ = ["HeadRenderer"]

Float32Array = NDArray[np.float32]
ImageArray = NDArray[np.uint8]


class HeadRenderer:
    """Draws a rig's mesh with its materials; holds what does not change between frames.

    One thread; use one renderer per process. `samples` x `samples` visibility samples per pixel;
    `texture_size` caps the textures' sides (mip levels are made below it). Not thread-safe.
    """

    def __init__(self, rig: Rig, samples: int = 2, texture_size: int = 1024) -> None:
        if samples < 1 or texture_size < 1:
            raise InputError(
                f"HeadRenderer: samples {samples}, texture_size {texture_size}, expected >= 1"
            )
        self.rig = rig
        self.samples = samples
        self.meshes: tuple[SceneMesh, ...] = ()
        """What is drawn besides the head, in the order of `placed`."""
        self.relief: DrawnRelief | None = None
        """Wrinkles and pores of the first material; None: smooth."""
        self.ambient_occlusion = rig_ambient_occlusion(rig)
        """(V,) share of the sky that each vertex of the rig sees, 0..1."""
        with wp.ScopedDevice("cpu"):
            self._linear_of_srgb = wp.array(LINEAR_OF_SRGB8, dtype=float)
            self._srgb_of_root = wp.array(SRGB8_OF_ROOT, dtype=wp.uint8)
        self._load_meshes()
        self.set_materials(rig.materials, texture_size)

    def set_ambient_occlusion(self, values: Float32Array) -> None:
        """(V,) share of the sky that each vertex sees, in place of the resting face's."""
        if values.shape != self.ambient_occlusion.shape:
            raise InputError(
                f"HeadRenderer.set_ambient_occlusion: {values.shape}, expected "
                f"{self.ambient_occlusion.shape}"
            )
        with wp.ScopedDevice("cpu"):
            others = [mesh.ambient_occlusion for mesh in self.meshes]
            self._occlusion = wp.array(np.concatenate([values, *others]), dtype=float)

    def set_meshes(self, meshes: Sequence[SceneMesh]) -> None:
        """Other meshes beside the head from now on; () for the head alone."""
        if not meshes and not self.meshes:
            return
        self.meshes = tuple(meshes)
        self._load_meshes()
        self._load_materials()

    def _load_meshes(self) -> None:
        """Topology of all meshes as one, the rig's first."""
        rig = self.rig
        faces, materials, uvs = [rig.triangles], [rig.triangle_material], [rig.uvs]
        welded, occlusion = [rig.welded], [self.ambient_occlusion]
        self._starts = [0, len(rig.vertices)]
        for number, mesh in enumerate(self.meshes):
            start = self._starts[-1]
            faces.append(mesh.triangles + np.int32(start))
            materials.append(np.full(len(mesh.triangles), len(rig.materials) + number, np.int32))
            uvs.append(mesh.uvs)
            welded.append(np.arange(start, start + len(mesh.uvs), dtype=np.int32))
            occlusion.append(mesh.ambient_occlusion)
            self._starts.append(start + len(mesh.uvs))
        self._triangles = np.concatenate(faces)
        self._triangle_material = np.concatenate(materials)
        self._part_of_material = np.array(
            [part_index(m.name) for m in rig.materials] + [part_index(m.part) for m in self.meshes],
            np.int8,
        )
        self._uv = np.concatenate(uvs)
        with wp.ScopedDevice("cpu"):
            self._faces = wp.array(self._triangles, dtype=wp.vec3i)
            self._face_material = wp.array(self._triangle_material, dtype=int)
            self._uvs = wp.array(self._uv, dtype=wp.vec2)
            self._welded = wp.array(np.concatenate(welded), dtype=int)
            self._occlusion = wp.array(np.concatenate(occlusion), dtype=float)
            self._sums = wp.zeros(self._starts[-1], dtype=wp.vec3)
            self._normals = wp.zeros(self._starts[-1], dtype=wp.vec3)

    def set_materials(self, materials: tuple[Material, ...], texture_size: int = 1024) -> None:
        """Other looks for the same mesh; as many materials as the rig has, in its order."""
        if len(materials) != len(self.rig.materials):
            raise InputError(
                f"HeadRenderer.set_materials: {len(materials)} materials for a rig of "
                f"{len(self.rig.materials)}"
            )
        self._head_materials = [(m, _mip_levels(m, texture_size)) for m in materials]
        self._load_materials()

    def _load_materials(self) -> None:
        """Textures and surface parameters of the head's materials and of the other meshes'."""
        materials = self._head_materials + [
            (m.material, _mip_levels(m.material, 1024)) for m in self.meshes
        ]
        texels, tables = [], []
        offset = 0
        for _, levels in materials:
            table = []
            for level in levels:
                table.append((offset, level.shape[1], level.shape[0]))
                texels.append(level.reshape(-1, 3))
                offset += level.shape[0] * level.shape[1]
            tables.append(table)
        mips = np.zeros((len(tables), max(map(len, tables)), 3), np.int32)
        for row, table in zip(mips, tables, strict=True):
            row[: len(table)] = table
        parameters = [surface_parameters(m) for m, _ in materials]
        with wp.ScopedDevice("cpu"):
            self._texels = wp.array(np.concatenate(texels), dtype=wp.vec3)
            self._mips = wp.array(mips, dtype=wp.vec3i)
            self._mip_counts = wp.array([len(t) for t in tables], dtype=int)
            self._surface = wp.array(
                [(p.shininess, p.f0, p.gloss, 1e-5 ** (1 / p.shininess)) for p in parameters],
                dtype=wp.vec4,
            )
            self._wraps = wp.array([p.wrap for p in parameters], dtype=wp.vec3)

    def render(
        self,
        vertices: Float32Array,
        camera: Camera,
        lighting: Lighting | None = None,
        background: ArrayLike = (120, 120, 120),
        exposure: float = 1.0,
        placed: Sequence[PlacedMesh] = (),
    ) -> ImageArray:
        """(H, W, 3) 8-bit sRGB image of posed `vertices` (V, 3), rig space = world, metres.

        `background`: an sRGB colour (3,) or an image (H, W, 3), 8 bit. `lighting` None: a studio.
        `placed`: where each of `meshes` is in this frame.
        """
        return self.render_with_coverage(vertices, camera, lighting, background, exposure, placed)[
            0
        ]

    def render_with_coverage(
        self,
        vertices: Float32Array,
        camera: Camera,
        lighting: Lighting | None = None,
        background: ArrayLike = (120, 120, 120),
        exposure: float = 1.0,
        placed: Sequence[PlacedMesh] = (),
    ) -> tuple[ImageArray, Float32Array]:
        """`render`, and `coverage` of the same pass."""
        linear, (top, left) = self._radiance(
            vertices, camera, lighting or studio_lighting(), placed
        )
        height, width = camera.height, camera.width
        back = np.asarray(background, np.uint8)
        if back.shape not in ((3,), (height, width, 3)):
            raise InputError(
                f"HeadRenderer.render: background {back.shape}, expected (3,) or "
                f"({height}, {width}, 3)"
            )
        image = np.empty((height, width, 3), np.uint8)
        image[:] = back
        if linear.size:
            wp.launch(
                kernels.compose_kernel,
                dim=linear.shape[:2],
                inputs=[
                    wp.array(linear, dtype=wp.vec4, device="cpu", copy=False), top, left, exposure,
                    self._linear_of_srgb, self._srgb_of_root,
                    wp.array(image, dtype=wp.uint8, device="cpu", copy=False),
                ],
                device="cpu",
            )  # fmt: skip
        alpha = np.zeros((height, width), np.float32)
        alpha[top : top + linear.shape[0], left : left + linear.shape[1]] = linear[..., 3]
        return image, alpha

    def visible(
        self, vertices: Float32Array, camera: Camera, placed: Sequence[PlacedMesh] = ()
    ) -> NDArray[np.int32]:
        """(H, W) triangle seen at each pixel centre; -1 where there is none.

        The rig's triangles come first, then those of each of `meshes`.
        """
        points, _, box = self._screen(self._all_vertices(vertices, placed), camera, 1)
        seen = np.full((camera.height, camera.width), -1, np.int32)
        if box is not None:
            top, left, bottom, right = box
            keys = self._keys(points, box, 1)
            seen[top:bottom, left:right] = (keys & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
        return seen

    def label_maps(
        self, vertices: Float32Array, camera: Camera, placed: Sequence[PlacedMesh] = ()
    ) -> LabelMaps:
        """What is seen at each pixel's centre: triangle, part, depth, normal, UV."""
        everything = self._all_vertices(vertices, placed)
        self._update_normals(everything, placed)
        return read_label_maps(
            self.visible(vertices, camera, placed), camera, everything,
            np.asarray(self._normals.numpy()), self._uv, self._triangles,
            self._part_of_material[self._triangle_material],
        )  # fmt: skip

    def coverage(
        self, vertices: Float32Array, camera: Camera, placed: Sequence[PlacedMesh] = ()
    ) -> Float32Array:
        """(H, W) share of each pixel that the head and the other meshes cover, 0..1."""
        return self.render_with_coverage(vertices, camera, placed=placed)[1]

    def _all_vertices(self, vertices: Float32Array, placed: Sequence[PlacedMesh]) -> Float32Array:
        v = np.ascontiguousarray(vertices, np.float32)
        if v.shape != self.rig.vertices.shape:
            raise InputError(
                f"HeadRenderer: vertices {v.shape}, expected {self.rig.vertices.shape}"
            )
        shapes = [p.vertices.shape for p in placed]
        if shapes != [(len(m.uvs), 3) for m in self.meshes]:
            raise InputError(
                f"HeadRenderer: placed meshes {shapes}, expected "
                f"{[(len(m.uvs), 3) for m in self.meshes]}"
            )
        return np.concatenate([v, *(p.vertices for p in placed)]) if placed else v

    def _update_normals(self, everything: Float32Array, placed: Sequence[PlacedMesh]) -> None:
        """Area-weighted normals of all meshes, but for those that bring their own."""
        with wp.ScopedDevice("cpu"):
            self._sums.zero_()
            wp.launch(
                kernels.face_normals_kernel,
                dim=len(self._triangles),
                inputs=[
                    wp.array(everything, dtype=wp.vec3, copy=False),
                    self._faces, self._welded, self._sums,
                ],
            )  # fmt: skip
            wp.launch(
                kernels.normalise_kernel,
                dim=len(everything),
                inputs=[self._sums, self._welded, self._normals],
            )
        for start, end, mesh in zip(self._starts[1:-1], self._starts[2:], placed, strict=True):
            if mesh.normals is not None:
                self._normals.numpy()[start:end] = mesh.normals

    def _screen(
        self, vertices: Float32Array, camera: Camera, samples: int
    ) -> tuple[Float32Array, Float32Array, tuple[int, int, int, int] | None]:
        """Sample-grid points (x, y, depth 0..1), 1/depth, and the covered box in pixels."""
        pixels, depth = project(camera, vertices)
        seen = depth > 1e-3
        inverse = np.where(seen, 1.0 / np.where(seen, depth, 1.0), 0.0)
        if not seen.any():
            return np.empty((0, 3), np.float32), np.empty(0, np.float32), None
        # 1/depth is linear over the screen: spread over the head's own range it fills the key.
        low, high = inverse[seen].min(), inverse[seen].max()
        nearness = (inverse - low) / max(high - low, 1e-9)
        points = np.concatenate(
            [pixels * samples, np.where(seen, 0.02 + 0.96 * (1.0 - nearness), -1.0)[:, None]], 1
        )
        points[~seen, :2] = 0.0
        x, y = pixels[seen, 0], pixels[seen, 1]
        left, right = max(int(np.floor(x.min())), 0), min(int(np.ceil(x.max())) + 1, camera.width)
        top, bottom = max(int(np.floor(y.min())), 0), min(int(np.ceil(y.max())) + 1, camera.height)
        box = (top, left, bottom, right) if right > left and bottom > top else None
        return points.astype(np.float32), inverse.astype(np.float32), box

    def _keys(
        self, points: Float32Array, box: tuple[int, int, int, int], samples: int
    ) -> NDArray[np.uint64]:
        top, left, bottom, right = box
        shape = (1, (bottom - top) * samples, (right - left) * samples)
        keys = np.full(shape, kernels.EMPTY_KEY, np.uint64)
        wp.launch(
            kernels.raster_kernel,
            dim=(1, len(self._triangles)),
            inputs=[
                wp.array(points[None], dtype=wp.vec3, device="cpu", copy=False), self._faces, 1,
                left * samples, top * samples,
                wp.array(keys, dtype=wp.uint64, device="cpu", copy=False),
            ],
            device="cpu",
        )  # fmt: skip
        return np.asarray(keys[0])

    def _radiance(
        self,
        vertices: Float32Array,
        camera: Camera,
        lighting: Lighting,
        placed: Sequence[PlacedMesh],
    ) -> tuple[Float32Array, tuple[int, int]]:
        """(h, w, 4) premultiplied linear RGB and coverage of the covered box; its upper left."""
        s = self.samples
        v = self._all_vertices(vertices, placed)
        points, inverse, box = self._screen(v, camera, s)
        if box is None:
            return np.empty((0, 0, 4), np.float32), (0, 0)
        top, left, bottom, right = box
        keys = self._keys(points, box, s)
        points[:, 2] = inverse
        image = np.empty((bottom - top, right - left, 4), np.float32)
        self._update_normals(v, placed)
        with wp.ScopedDevice("cpu"):
            posed = wp.array(v, dtype=wp.vec3, copy=False)
            wp.launch(
                kernels.shade_kernel,
                dim=image.shape[:2],
                inputs=[
                    wp.array(keys, dtype=wp.uint64, copy=False), s, left * s, top * s,
                    wp.array(points, dtype=wp.vec3, copy=False), posed, self._normals,
                    self._occlusion, self._uvs, self._faces, self._face_material,
                    self._texels, self._mips, self._mip_counts, self._surface, self._wraps,
                    wp.array(lighting.directions, dtype=wp.vec3),
                    wp.array(lighting.colours, dtype=wp.vec3),
                    wp.vec3(*lighting.ambient_up), wp.vec3(*lighting.ambient_down),
                    wp.vec3(*camera.centre.tolist()),
                    no_relief() if self.relief is None else self.relief.struct(
                        v[: self._starts[1]], len(v) - self._starts[1]
                    ),
                    wp.array(image, dtype=wp.vec4, copy=False),
                ],
            )  # fmt: skip
        return image, (top, left)


def _mip_levels(material: Material, texture_size: int) -> list[Float32Array]:
    """Linear-light levels (h, w, 3), each half the one before, down to 4 texels a side."""
    factor = np.asarray(material.color, np.float32)
    if material.base_color is None:
        return [np.broadcast_to(factor, (1, 1, 3)).copy()]
    level = linear_from_srgb(material.base_color[..., :3]) * factor
    levels = []
    while True:
        if max(level.shape[:2]) <= texture_size:
            levels.append(np.ascontiguousarray(level, np.float32))
        if min(level.shape[:2]) < 8 or level.shape[0] % 2 or level.shape[1] % 2:
            break
        level = 0.25 * (level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2])
    return levels or [np.ascontiguousarray(level, np.float32)]
