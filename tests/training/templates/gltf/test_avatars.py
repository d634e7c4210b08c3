"""Avatars as tools write them become the head that went in; the tracker finds its face."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from support import packed_gltf
from support.avatars import (
    READY_PLAYER_ME,
    VROID,
    Z_UP,
    avatar,
    body,
    hair_cap,
    maya_name,
    vrm_0,
    vrm_1,
)

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.templates import load_template
from mien_training.templates.gltf.gltf_head import build_gltf
from mien_training.templates.landmarks import with_landmarks


@pytest.fixture(scope="module")
def source(anny_head, tmp_path_factory):
    """The head as a plain file of separate meshes."""
    path = tmp_path_factory.mktemp("plain") / "plain.glb"
    path.write_bytes(avatar(anny_head, READY_PLAYER_ME))
    return with_landmarks(build_gltf(path))


@pytest.fixture(scope="module")
def clothed(anny_head):
    return {"body": body(), "hair": hair_cap(anny_head)}


def assert_same(head, source, within_m=2e-6):
    """Every vertex of the source is there and moves as it did."""
    assert head.shape_names == source.shape_names
    gap, at = cKDTree(head.vertices).query(source.vertices)
    assert gap.max() < within_m
    # Teeth touch: the nearest vertex may be a neighbour's, which moves as this one does.
    assert np.abs(head.shape_deltas[:, at] - source.shape_deltas).max() < 10 * within_m
    for region in ("eyes", "teeth", "tongue", "iris"):
        assert head.regions[region].sum() == source.regions[region].sum(), region


def assert_face_is_found(head, source):
    mine, theirs = (h.landmarks.positions(h.vertices, h.triangles) for h in (head, source))
    assert np.median(np.linalg.norm(mine - theirs, axis=1)) < 0.001


def write(path, data):
    path.write_bytes(data)
    return path


def test_parts_of_ready_player_me_in_centimetres_under_a_scaled_node(
    anny_head, source, clothed, tmp_path, monkeypatch
):
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    path = write(tmp_path / "rpm.glb", avatar(
        anny_head, READY_PLAYER_ME, extra=clothed, units_per_metre=100,
        root={"scale": [0.01] * 3, "translation": [0, 1.5, 0.2]},
        more_targets=("viseme_aa", "mouthSmile", "mouthOpen"),
    ))  # fmt: skip
    head = load_template(str(path))
    assert_same(head, source)
    assert_face_is_found(head, source)
    assert head.vertices[:, 1].min() > -0.25 and np.ptp(head.vertices[:, 0]) < 0.7  # no arms, legs
    cut, left_out, missing = head.notes
    assert "body was cut off" in cut and "Wolf3D_Hair" in left_out and "mouthPucker" in missing
    assert load_template(str(path)).notes == head.notes  # from the cache


def test_lying_on_its_back_in_centimetres_with_spelt_names_quantised_and_packed(
    anny_head, source, clothed, tmp_path
):
    data = avatar(anny_head, READY_PLAYER_ME, maya_name, 100, {"rotation": Z_UP}, clothed)
    data = packed_gltf.with_meshopt(packed_gltf.quantised(data))
    head = build_gltf(write(tmp_path / "maya.glb", data))
    assert_same(head, source, within_m=3e-5)
    assert [w for note in head.notes for w in ("turned by 90", "centimetres") if w in note] == [
        "turned by 90", "centimetres",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("extensions", "root"), [(vrm_0, {"rotation": [0, 1, 0, 0]}), (vrm_1, {})], ids=["0", "1"]
)
def test_vrm_with_perfect_sync(anny_head, source, clothed, tmp_path, extensions, root):
    """Its targets are called something else; version 0 looks along -Z."""
    data = avatar(
        anny_head, VROID, lambda name: f"Fcl_{anny_head.shape_names.index(name)}",
        root=root, extra=clothed, extensions=extensions,
    )  # fmt: skip
    head = build_gltf(write(tmp_path / "ada.vrm", data))
    skin = np.flatnonzero(source.regions["skin"])
    own = np.flatnonzero(head.regions["skin"])  # the expressions bind it alone
    gap, at = cKDTree(head.vertices[own]).query(source.vertices[skin])
    assert gap.max() < 2e-6
    assert np.abs(head.shape_deltas[:, own[at]] - source.shape_deltas[:, skin]).max() < 2e-5
    assert head.licence.startswith("Ada, by me") and "Hair" in str(head.notes)
    assert any("turned" in note for note in head.notes) == bool(root)
    if root:
        assert_face_is_found(with_landmarks(head), source)


def test_a_mirrored_node_turns_faces_and_sides(anny_head, source, tmp_path):
    data = avatar(anny_head, READY_PLAYER_ME, root={"scale": [-1, 1, 1]})
    head = build_gltf(write(tmp_path / "mirrored.glb", data))
    # anny's left half is not quite its right half, and here it stands on the other side.
    mirrored = replace(
        source, vertices=source.vertices * [-1, 1, 1], shape_deltas=source.shape_deltas * [-1, 1, 1]
    )
    gap, at = cKDTree(head.vertices).query(mirrored.vertices)
    assert gap.max() < 2e-6 and "swapped" in head.notes[0]
    blink = head.shape_deltas[head.shape_names.index("eyeBlinkLeft"), at]
    expected = mirrored.shape_deltas[source.shape_names.index("eyeBlinkRight")]
    assert np.abs(blink - expected).max() < 2e-5
    corners = head.vertices[head.triangles].astype(float)
    volume = np.einsum("fx,fx->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    assert volume > 0


def test_a_build_that_stands_at_one_is_part_of_the_head(anny_head, source, tmp_path):
    """Targets that are no expression keep their weight in the file; expressions start at rest."""
    data = avatar(anny_head, READY_PLAYER_ME, lambda n: "Build_wide" if n == "jawForward" else n)
    document, binary = packed_gltf.read_glb(data)
    for mesh in document["meshes"]:
        names = mesh["extras"]["targetNames"]
        mesh["weights"] = [0.5 if n in ("Build_wide", "jawOpen") else 0.0 for n in names]
    head = build_gltf(write(tmp_path / "wide.glb", packed_gltf.write_glb(document, binary)))
    forward = source.shape_deltas[source.shape_names.index("jawForward")]
    gap, _ = cKDTree(head.vertices).query(source.vertices + 0.5 * forward)
    assert gap.max() < 2e-6 and "jawForward" not in head.shape_names


def test_eyes_that_no_shape_turns_and_shapes_that_move_nothing(anny_head, source, tmp_path):
    looks = [n.startswith("eyeLook") for n in anny_head.shape_names]
    kept = np.flatnonzero(~np.array(looks))
    head = replace(
        anny_head, shape_names=(*(anny_head.shape_names[k] for k in kept), "mouthPucker"),
        shape_deltas=anny_head.shape_deltas[[*kept, anny_head.shape_names.index("mouthClose")]],
    )  # fmt: skip
    data = avatar(head, READY_PLAYER_ME, more_targets=("cheekPuff",))
    still = build_gltf(write(tmp_path / "still.glb", data))
    assert {*still.shape_names} == {*source.shape_names, "mouthPucker"}
    assert "cheekPuff" in still.notes[0] and "eyeLook" not in still.notes[0]


def test_too_few_shapes_are_refused_and_a_description_names_them(anny_head, source, tmp_path):
    """The user says which targets are which shape."""
    from mien_training.templates.gltf.description import read_description

    def own(name):
        return f"key {name[::-1]}"

    path = write(tmp_path / "own.glb", avatar(anny_head, READY_PLAYER_ME, own))
    with pytest.raises(InputError, match=r"0 morph targets carry ARKit names.*\"shapes\".*key "):
        build_gltf(path)
    import json

    shapes = {name: [own(name)] for name in anny_head.shape_names}
    (tmp_path / "HEAD.json").write_text(json.dumps({"head": "own.glb", "shapes": shapes}))
    described = read_description(tmp_path / "HEAD.json")
    assert_same(build_gltf(described.head, shapes=described.shapes), source)
    (tmp_path / "HEAD.json").write_text(json.dumps({"head": "own.glb", "shapes": {"jaw": ["a"]}}))
    with pytest.raises(InputError, match=r"'jaw' is unknown"):
        read_description(tmp_path / "HEAD.json")


def test_names_that_no_mesh_has_are_refused(anny_head, tmp_path):
    """A sum with a part misspelt would silently be half of it."""
    path = write(tmp_path / "own.glb", avatar(anny_head, READY_PLAYER_ME))
    for shapes in ({"browInnerUp": ("jawForward", "typo")}, {"jawOpen": ("typo",)}):
        with pytest.raises(InputError, match=r"own\.glb: field 'shapes'.*'typo'.*eyeBlinkLeft"):
            build_gltf(path, shapes=shapes)


@pytest.mark.parametrize("others", ["still", "on a part that is left out"])
def test_shapes_must_move_the_head_that_is_kept(anny_head, tmp_path, others):
    """Names alone are no shapes, and the looks of eyes that are turned here do not count."""
    few = ("jawOpen", "jawForward", "mouthClose", "eyeBlinkLeft", "eyeBlinkRight")
    rows = [anny_head.shape_names.index(name) for name in few]
    head = replace(anny_head, shape_names=few, shape_deltas=anny_head.shape_deltas[rows])
    more = tuple(n for n in ARKIT_CHANNELS if n not in few)
    data = avatar(head, READY_PLAYER_ME, more_targets=more)
    if others != "still":
        document, binary = packed_gltf.read_glb(data)
        (face,) = document["meshes"][0]["primitives"]
        count = document["accessors"][face["attributes"]["POSITION"]]["count"]
        moved = packed_gltf.put(document, binary, np.full((count, 3), 0.01, np.float32), "VEC3")
        beard = {
            "material": len(document["materials"]),
            "targets": [{"POSITION": moved}] * len(more),
        }
        document["nodes"].append({"mesh": len(document["meshes"])})
        document["meshes"].append(
            {"primitives": [face | beard], "extras": {"targetNames": list(more)}}
        )
        document["materials"].append({"name": "Beard"})
        data = packed_gltf.write_glb(document, binary)
    with pytest.raises(InputError, match=r"\b5 morph targets carry ARKit names and move the head"):
        build_gltf(write(tmp_path / "few.glb", data))


def test_meshes_without_area_are_refused(anny_head, tmp_path):
    document, binary = packed_gltf.read_glb(avatar(anny_head, READY_PLAYER_ME))
    for mesh in document["meshes"]:
        view = document["bufferViews"][mesh["primitives"][0]["indices"]]
        start = view["byteOffset"]
        binary[start : start + view["byteLength"]] = bytes(view["byteLength"])
    with pytest.raises(InputError, match=r"flat\.glb: every triangle"):
        build_gltf(write(tmp_path / "flat.glb", packed_gltf.write_glb(document, binary)))
