"""A template's head as avatar tools write it: parts as meshes of their own, under turned nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mien_training.head import MATERIALS, Template, rig_from_template
from support.packed_gltf import put, write_glb

__all__ = [
    "READY_PLAYER_ME", "VROID", "Z_UP", "avatar", "body", "hair_cap", "maya_name", "vrm_0", "vrm_1",
]  # fmt: skip

READY_PLAYER_ME = {
    "skin": ("Wolf3D_Head", "Wolf3D_Skin"), "teeth": ("Wolf3D_Teeth", "Wolf3D_Teeth"),
    "mouth": ("Wolf3D_Teeth_Gums", "Wolf3D_Teeth"), "tongue": ("Tongue", "Wolf3D_Teeth"),
    "leftEye": ("EyeLeft", "Wolf3D_Eye"), "rightEye": ("EyeRight", "Wolf3D_Eye"),
    "body": ("Wolf3D_Body", "Wolf3D_Body"), "hair": ("Wolf3D_Hair", "Wolf3D_Hair"),
}  # fmt: skip
"""Part -> names of its node and its material, as Ready Player Me calls them."""
VROID = {
    part: (f"Face.{part}", material) for part, material in {
        "skin": "N00_000_00_Face_00_SKIN", "teeth": "N00_Teeth", "mouth": "N00_000_00_FaceMouth",
        "tongue": "N00_Tongue", "leftEye": "N00_EyeWhite_00_EYE", "rightEye": "N00_EyeIris_00_EYE",
        "body": "N00_000_00_Body_00_SKIN", "hair": "N00_000_Hair_00_HAIR",
    }.items()
}  # fmt: skip

Z_UP = [2**-0.5, 0.0, 0.0, 2**-0.5]
"""Rotation of a node, xyzw, in whose file +Z is up."""

Mesh = tuple[np.ndarray, np.ndarray]
"""(V, 3) metres, rig space, and (F, 3) triangles."""


def avatar(
    template: Template,
    names: Mapping[str, tuple[str, str]],
    spell: Callable[[str], str] = str,
    units_per_metre: float = 1.0,
    root: Mapping[str, object] | None = None,
    extra: Mapping[str, Mesh] | None = None,
    more_targets: Sequence[str] = (),
    extensions: Callable[[Sequence[str]], dict] | None = None,
) -> bytes:
    """A GLB in which every part of `names` has a node of its own below one node.

    Vertices are in `units_per_metre`; `root` holds fields of the node above (scale, rotation,
    matrix). Every mesh has targets for the shapes that move it, named by `spell`, after
    `more_targets`, which do nothing; `extra` are meshes without targets. `extensions` makes the
    file's from the shapes of the first mesh.
    """
    rig, source = rig_from_template(template, "avatar")
    eye = MATERIALS.index("eye")
    left = rig.vertices[rig.triangles[:, 0], 0] > 0
    document: dict = {
        "asset": {"version": "2.0"}, "buffers": [{}], "bufferViews": [], "accessors": [],
        "meshes": [], "materials": [], "scene": 0, "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "Armature", "children": [], **(root or {})}],
    }  # fmt: skip
    binary = bytearray()

    def add(part: str, places: np.ndarray, triangles: np.ndarray, **fields) -> None:
        node, material = names[part]
        document["materials"].append({"name": material})
        corners = put(document, binary, triangles.reshape(-1, 1).astype(np.uint32), "SCALAR")
        primitive = {"indices": corners, "material": len(document["materials"]) - 1}
        at = {"POSITION": put(document, binary, places.astype(np.float32), "VEC3")}
        if "uvs" in fields:
            at["TEXCOORD_0"] = put(document, binary, fields["uvs"], "VEC2")
        mesh: dict = {"primitives": [primitive | {"attributes": at}]}
        if "targets" in fields:
            targets = [put(document, binary, d, "VEC3") for d in fields["targets"].values()]
            mesh["primitives"][0]["targets"] = [{"POSITION": t} for t in targets]
            mesh["extras"] = {"targetNames": list(fields["targets"])}
        document["meshes"].append(mesh)
        document["nodes"].append({"name": node, "mesh": len(document["meshes"]) - 1})
        document["nodes"][0]["children"].append(len(document["nodes"]) - 1)

    moved: list[str] = []
    for part in names:
        rows = {
            "leftEye": (rig.triangle_material == eye) & left,
            "rightEye": (rig.triangle_material == eye) & ~left,
        }.get(part)
        if rows is None and part in MATERIALS:
            rows = rig.triangle_material == MATERIALS.index(part)
        if rows is None:
            if part in (extra or {}):
                add(part, units_per_metre * extra[part][0], extra[part][1])
            continue
        used, corners = np.unique(rig.triangles[rows], return_inverse=True)
        deltas = units_per_metre * template.shape_deltas[:, source[used]]
        still = np.zeros((len(used), 3), np.float32)
        own = [k for k in range(len(deltas)) if np.abs(deltas[k]).max() > 0]
        targets = dict.fromkeys(more_targets, still)
        targets |= {spell(template.shape_names[k]): deltas[k].astype(np.float32) for k in own}
        moved = moved or [template.shape_names[k] for k in own]
        add(part, units_per_metre * rig.vertices[used], corners.reshape(-1, 3),
            uvs=rig.uvs[used].astype(np.float32), targets=targets)  # fmt: skip
    if extensions is not None:
        document["extensions"] = extensions(moved)
        document["extensionsUsed"] = list(document["extensions"])
    return write_glb(document, binary)


def maya_name(name: str) -> str:
    """`mouthSmileLeft` -> `Head_BS.mouthSmile_L`."""
    return "Head_BS." + name.replace("Left", "_L").replace("Right", "_R")


def vrm_0(shapes: Sequence[str]) -> dict:
    """The extension of a VRM 0 avatar whose first mesh has those shapes as expressions."""
    groups = [
        {"name": name[0].upper() + name[1:], "presetName": "unknown",
         "binds": [{"mesh": 0, "index": k, "weight": 100}]}
        for k, name in enumerate(shapes)
    ]  # fmt: skip
    meta = {"title": "Ada", "author": "me", "licenseName": "CC0"}
    return {"VRM": {"meta": meta, "blendShapeMaster": {"blendShapeGroups": groups}}}


def vrm_1(shapes: Sequence[str]) -> dict:
    """The same of version 1."""
    custom = {
        name: {"morphTargetBinds": [{"node": 1, "index": k, "weight": 1.0}]}
        for k, name in enumerate(shapes)
    }
    meta = {"name": "Ada", "authors": ["me"], "licenseUrl": "https://vrm.dev/licenses/1.0/"}
    return {"VRMC_vrm": {"meta": meta, "expressions": {"custom": custom}}}


def body() -> Mesh:
    """A trunk under the neck, and arms stretched out aside: a T-pose, 1.6 m wide."""
    boxes = [((-0.2, -1.4, -0.1), (0.2, -0.02, 0.1)), ((-0.8, -0.15, -0.04), (0.8, -0.07, 0.04))]
    grids = [_box(np.array(low), np.array(high)) for low, high in boxes]
    (a, s), (b, t) = grids
    return np.concatenate([a, b]), np.concatenate([s, t + len(a)])


def hair_cap(template: Template) -> Mesh:
    """A shell over the crown, hanging before the brow."""
    low, high = template.vertices.min(0), template.vertices.max(0)
    reach = np.array([0.02, 0.02, 0.01])
    return _box(np.array([low[0], 0.12, low[2]]) - reach * [1, 0, 1], high + reach)


def _box(low: np.ndarray, high: np.ndarray, cells: int = 12) -> Mesh:
    """The surface of a box in a grid of `cells` a side."""
    at = np.linspace(0, 1, cells + 1)
    u, v = (g.ravel() for g in np.meshgrid(at, at))
    corner = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).ravel()
    quads = np.stack([corner, corner + 1, corner + cells + 2, corner + cells + 1], 1)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    sides, faces = [], []
    for axis in range(3):
        for end in (0.0, 1.0):
            side = np.insert(np.stack([u, v], 1), axis, end, axis=1)
            faces.append(triangles + len(sides) * len(side))
            sides.append(low + side * (high - low))
    return np.concatenate(sides), np.concatenate(faces)
