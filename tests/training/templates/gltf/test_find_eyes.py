"""Eyeballs are found without names: those that eyeLook turns, and those that nothing moves."""

from dataclasses import replace

import numpy as np
import pytest
from support import template_laws
from support.avatars import avatar, body

from mien.errors import InputError
from mien_training.templates.assemble import Part
from mien_training.templates.gltf.find_eyes import find_eyes
from mien_training.templates.gltf.gltf_head import build_gltf


def write_head(anny, path, names, still_eyes=False, without=()):
    """anny's head as a GLB with those material names; a dict of old -> new."""
    from mien_exporters.gltf import rig_to_glb
    from mien_training.head import MATERIALS, rig_from_template

    template = anny
    if still_eyes:
        deltas = anny.shape_deltas.copy()
        deltas[:, anny.regions["eyes"]] = 0
        template = replace(anny, shape_deltas=deltas)
    rig, _ = rig_from_template(template, "head")
    materials = tuple(replace(m, name=names.get(m.name, m.name)) for m in rig.materials)
    if without:
        kept = ~np.isin(rig.triangle_material, [MATERIALS.index(m) for m in without])
        rig = replace(rig, triangles=rig.triangles[kept],
                      triangle_material=rig.triangle_material[kept])  # fmt: skip
    path.write_bytes(rig_to_glb(replace(rig, materials=materials)))
    return path


@pytest.mark.parametrize("still_eyes", [False, True])
def test_eyes_without_names(anny, tmp_path, still_eyes):
    """Nameless, in one mesh with everything else; if nothing turns them, they learn to look."""
    names = {m: f"lambert{k}" for k, m in enumerate(("skin", "eye", "teeth", "mouth", "tongue"))}
    head = build_gltf(write_head(anny, tmp_path / "head.glb", names, still_eyes))
    assert head.regions["eyes"].sum() == anny.regions["eyes"].sum()
    for ours, theirs in zip(head.joints[3:], anny.joints[3:], strict=True):
        assert np.linalg.norm(np.subtract(ours.position, theirs.position)) < 0.002
    template_laws.check_gaze(head)


def test_head_without_eyes(anny, tmp_path):
    path = write_head(anny, tmp_path / "blind.glb", {}, without=("eye",))
    with pytest.raises(InputError, match=r"blind\.glb: no pair of eyeballs.*HEAD\.json.*teeth"):
        build_gltf(path)


def test_eyes_named_by_the_user(anny, tmp_path):
    path = write_head(anny, tmp_path / "head.glb", {"eye": "Augapfel", "teeth": "Gebiss"})
    head = build_gltf(path, {"eye": ("Augapfel",), "teeth": ("Gebiss",)})
    for region in ("eyes", "teeth", "skin"):
        assert head.regions[region].sum() == anny.regions[region].sum()
    with pytest.raises(InputError, match=r"'Glasauge'.*Augapfel"):
        build_gltf(path, {"eye": ("Glasauge",)})
    with pytest.raises(InputError, match=r"no material 'nose'"):
        build_gltf(path, {"nose": ("Augapfel",)})


def test_name_of_a_node_above(anny, tmp_path):
    """Quantising tools put a nameless node between the name and the mesh."""
    from support.packed_gltf import read_glb, write_glb

    document, binary = read_glb(write_head(anny, tmp_path / "h.glb", {"eye": "a"}).read_bytes())
    (mesh,) = document["meshes"]
    number = next(k for k, m in enumerate(document["materials"]) if m["name"] == "a")
    eye = [p for p in mesh["primitives"] if p.get("material") == number]
    mesh["primitives"] = [p for p in mesh["primitives"] if p.get("material") != number]
    document["meshes"].append({"primitives": eye, "extras": mesh["extras"]})
    last = len(document["nodes"])
    document["nodes"] += [{"mesh": 1}, {"name": "grp_eyes", "children": [last]}]
    (tmp_path / "h.glb").write_bytes(write_glb(document, binary))
    from mien_training.templates.gltf.reading.gltf_file import GltfFile
    from mien_training.templates.gltf.reading.gltf_primitives import read_primitives

    names = [piece.names for piece in read_primitives(GltfFile(tmp_path / "h.glb"))]
    assert ("a", "grp_eyes") in names
    assert not any("grp_eyes" in n for n in names if "a" not in n)


def test_eyes_without_names_above_a_body(anny_head, tmp_path):
    """Its outstretched arms make a whole avatar many heads wide."""
    parts = ("skin", "teeth", "mouth", "tongue", "leftEye", "rightEye", "body")
    data = avatar(anny_head, dict.fromkeys(parts, ("part", "lambert1")), extra={"body": body()})
    (tmp_path / "whole.glb").write_bytes(data)
    head = build_gltf(tmp_path / "whole.glb")
    assert head.regions["eyes"].sum() == anny_head.regions["eyes"].sum()


def test_shapes_that_move_a_single_vertex():
    """What moves has no extent, and there are no eyes."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 4)] * 2), -1).reshape(-1, 2)
    polygons = np.array([[k, k + 1, k + 4, -1] for k in range(12) if k % 4 < 3])
    deltas = np.zeros((1, 16, 3))
    deltas[0, 5, 1] = 0.01
    part = Part(np.c_[grid, 0 * grid[:, 0]], polygons, grid, polygons,
                np.full(len(polygons), "skin"), deltas)  # fmt: skip
    assert find_eyes([part], ("jawOpen",)) is None
