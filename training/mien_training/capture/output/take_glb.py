"""A captured take as one animated GLB: Blender, engines and browsers play it as it is.

glTF has no meshes that change freely over time. A sequence of meshes would take a file or a node
for each moment, which engines do not play; a morph target for each moment, 0.1 MB each, and at most
255. Faces move in few ways: some tens of principal components as morph targets about the mean, with
a weight for each moment, come within 0.05 mm. The head's rigid motion is that of the root joint.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.atomic import write_atomically
from mien.clip import Clip
from mien.errors import InputError
from mien.rig import Material
from mien_exporters.gltf import glb_of, rig_to_glb
from mien_exporters.gltf_buffers import BufferBuilder, split_glb
from mien_training.capture.output.principal_shapes import PrincipalShapes, principal_shapes
from mien_training.footage.captured import CapturedMeshes
from mien_training.head import Template, rig_from_template

__all__ = ["GLB_FILE", "take_glb", "write_take_glb"]

GLB_FILE = "take.glb"
_NAME = "take"


def write_take_glb(
    folder: Path, meshes: CapturedMeshes, template: Template, materials: tuple[Material, ...]
) -> PrincipalShapes:
    """`take.glb`; the shapes in it. Raises InputError where every moment is a failure."""
    data, shapes = take_glb(meshes, template, materials)
    write_atomically(folder / GLB_FILE, data)
    return shapes


def take_glb(
    meshes: CapturedMeshes, template: Template, materials: tuple[Material, ...]
) -> tuple[bytes, PrincipalShapes]:
    """The file and its shapes. Moments that are failures are left out: what plays between the good
    ones around them is in between."""
    good = meshes.take(np.flatnonzero(meshes.good))
    if not len(good):
        raise InputError("take_glb: every moment is a failure, expected one that is none")
    good = good.take(_apart(good.time_s))
    shapes = principal_shapes(good.in_head())
    names = tuple(f"component{k + 1:02d}" for k in range(len(shapes.deltas)))
    person = replace(template, vertices=shapes.base, shape_names=names, shape_deltas=shapes.deltas)
    rig, _ = rig_from_template(person, _NAME, None, materials)
    clips = {_NAME: Clip(names, good.time_s, shapes.weights)} if names and len(good) > 1 else None
    text, binary = split_glb(rig_to_glb(rig, clips))
    document = gltf.GLTF2.from_json(text)
    buffers = BufferBuilder(document, binary)
    _place_root(document, buffers, good, np.array(template.joints[0].position))
    return glb_of(document, buffers), shapes


def _apart(times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Moments whose times rise as float32, which is what glTF stores."""
    stored = (times_s - times_s[0]).astype(np.float32)
    return np.flatnonzero(np.concatenate([[True], np.diff(stored) > 0]))


def _place_root(
    document: gltf.GLTF2,
    buffers: BufferBuilder,
    meshes: CapturedMeshes,
    root: NDArray[np.float64],
) -> None:
    """The root joint's node stands where it is in the first moment, and follows the head."""
    turn = meshes.world_from_head[:, :3, :3]
    moved = (turn @ root + meshes.world_from_head[:, :3, 3]).astype(np.float32)
    turns = _continuous(Rotation.from_matrix(turn).as_quat()).astype(np.float32)
    node_index = document.skins[0].skeleton
    node = document.nodes[node_index]
    node.translation = [float(x) for x in moved[0]]
    node.rotation = [float(x) for x in turns[0]]
    if len(meshes) < 2:
        return
    times = buffers.values((meshes.time_s - meshes.time_s[0]).astype(np.float32), bounds=True)
    if not document.animations:
        document.animations = [gltf.Animation(name=_NAME)]
    animation = document.animations[0]
    for path, values in (("translation", moved), ("rotation", turns)):
        animation.samplers.append(
            gltf.AnimationSampler(
                input=times, output=buffers.values(values), interpolation="LINEAR"
            )
        )
        animation.channels.append(
            gltf.AnimationChannel(
                sampler=len(animation.samplers) - 1,
                target=gltf.AnimationChannelTarget(node=node_index, path=path),
            )
        )


def _continuous(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same rotations, each in the hemisphere of the one before: importers differ in whether
    they take the short way."""
    turns = np.cumsum(np.einsum("tx,tx->t", q[1:], q[:-1]) < 0)
    return np.concatenate([q[:1], np.where(turns[:, None] % 2 == 1, -q[1:], q[1:])])
