"""A description says what a head's file does not; a wrong one is refused by field."""

import json

import numpy as np
import pytest

from mien.errors import InputError, MienError
from mien_training.templates import load_template
from mien_training.templates.gltf.description import read_description
from mien_training.templates.gltf.placed_landmarks import LANDMARK_POINTS


@pytest.fixture(scope="module")
def folder(anny, tmp_path_factory):
    from mien_exporters.gltf import rig_to_glb
    from mien_training.head import rig_from_template

    folder = tmp_path_factory.mktemp("described")
    (folder / "head.glb").write_bytes(rig_to_glb(rig_from_template(anny, "head")[0]))
    return folder


def describe(folder, name="head.json", **fields):
    path = folder / name
    path.write_text(json.dumps({"head": "head.glb", **fields}))
    return path


def test_head_that_the_tracker_does_not_see(anny, folder, monkeypatch):
    """With landmarks it becomes a template; without them the message says how to place them."""
    from mien_training.templates import landmarks

    class Blind:
        def track(self, image):
            return []

    monkeypatch.setattr(landmarks, "Tracker", Blind)
    monkeypatch.setenv("MIEN_CACHE", str(folder / "cache"))
    with pytest.raises(MienError, match=r"by hand.*noseTip.*train rig.*mien track SOURCE"):
        load_template(str(folder / "head.glb"))
    seen = anny.landmarks.positions(anny.vertices, anny.triangles)
    points = {name: seen[i].tolist() for name, i in LANDMARK_POINTS.items()}
    path = describe(folder, landmarks=points)
    head = load_template(str(path))
    found = head.landmarks.positions(head.vertices, head.triangles)
    assert np.linalg.norm(found[1] - seen[1]) < 0.003
    assert head.regions["lips"].any() and head.regions["lids"].any()
    # Another description of the same head is another template.
    points["noseTip"] = points["noseBridge"]
    describe(folder, landmarks=points)
    other = load_template(str(path))
    moved = other.landmarks.positions(other.vertices, other.triangles)
    assert np.linalg.norm(moved[1] - seen[1]) > 0.01


def test_vertex_numbers(folder):
    path = describe(folder, "numbers.json", landmarks={"noseTip": 10**6})
    with pytest.raises(InputError, match=r"'noseTip' is vertex 1000000 of"):
        load_template(str(path))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"head": "nobody.glb"}, r"'head' is .*nobody\.glb"),
        ({"head": 3}, r"'head' is 3"),
        ({"eyes": []}, r"'eyes' is unknown"),
        ({"materials": {"eye": "Ball"}}, r"'eye'"),
        ({"landmarks": {"noseTip": [1, 2]}}, r"'noseTip' has 2 items"),
        ({"landmarks": {"noseTip": -1}}, r"'noseTip' is -1"),
    ],
)
def test_wrong_descriptions(folder, fields, message):
    with pytest.raises(InputError, match=message):
        read_description(describe(folder, "wrong.json", **fields))


def test_no_description_at_all(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.json"):
        load_template(str(tmp_path / "nothing.json"))


def test_cache_sees_the_buffer_beside_a_text_file(folder, tmp_path, monkeypatch):
    """The key is the content, that of the .bin file included."""
    from support.packed_gltf import read_glb

    from mien_training.templates.load import _source

    document, binary = read_glb((folder / "head.glb").read_bytes())
    document["buffers"][0]["uri"] = "head.bin"
    (tmp_path / "head.gltf").write_text(json.dumps(document))
    (tmp_path / "head.bin").write_bytes(binary)
    before = _source(str(tmp_path / "head.gltf"))[0]
    binary[1000] ^= 1
    (tmp_path / "head.bin").write_bytes(binary)
    assert _source(str(tmp_path / "head.gltf"))[0] != before
