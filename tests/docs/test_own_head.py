"""The page about own heads names the landmarks and materials that the code takes."""

import json
import re
from pathlib import Path

import pytest

from mien.commands.track import TrackConfig
from mien.errors import InputError
from mien.package import REQUIRED

PAGE = (Path(__file__).parents[2] / "docs/own-head.md").read_text()


def test_the_example_is_a_description(tmp_path):
    description = pytest.importorskip("mien_training.templates.gltf.description")
    block = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1]
    (tmp_path / "HEAD.json").write_text(block)
    (tmp_path / json.loads(block)["head"]).write_bytes(b"")
    found = description.read_description(tmp_path / "HEAD.json")
    assert found.materials["eye"] == ("Ball_L", "Ball_R") and found.landmarks["chin"] == 4711
    assert found.shapes["browInnerUp"] == ("Brow_In_1", "Brow_In_2")


def test_its_spellings_are_known_and_its_other_targets_are_not():
    spelt = pytest.importorskip("mien_training.templates.gltf.reading.shape_names")
    row = next(line for line in PAGE.splitlines() if line.startswith("| shapes spelt"))
    for name in re.findall(r"`([^`]+)`", row):
        assert spelt.named_channels([name]) == {"mouthSmileLeft": [0]}, name
    assert spelt.named_channels(["mouthSmile", "Fcl_MTH_A"]) == {}


def test_its_command_is_the_one_of_the_message(tmp_path):
    gltf = pytest.importorskip("mien_training.templates.gltf.reading.gltf_file")
    refused = {"asset": {"version": "2.0"}, "extensionsRequired": ["KHR_meshopt_compression"]}
    (tmp_path / "HEAD.gltf").write_text(json.dumps(refused))
    with pytest.raises(InputError, match="KHR_meshopt_compression") as error:
        gltf.GltfFile(tmp_path / "HEAD.gltf")
    command = str(error.value).rpartition(": ")[2]
    assert command.startswith("npx gltfpack ") and command.replace(".gltf", ".glb") in PAGE


def test_its_landmarks_are_those_that_are_known():
    placed = pytest.importorskip("mien_training.templates.gltf.placed_landmarks")
    text = PAGE[PAGE.index("- `landmarks`:") : PAGE.index("## What works")]
    needed, optional = text.split("Every further one", 1)
    assert set(re.findall(r"`(\w+)`", needed)) - {"landmarks"} == set(placed.NEEDED)
    assert set(re.findall(r"`(\w+)`", optional)) == set(placed.LANDMARK_POINTS) - set(placed.NEEDED)


def test_what_it_says_of_heads_without_an_animator_can_be_called(tmp_path):
    """A package always has an animator, so no command drives such a head; its page and the
    messages name one that takes any face."""
    landmarks = pytest.importorskip("mien_training.templates.landmarks")
    words = "mien track SOURCE --out take.csv"
    row = next(line for line in PAGE.splitlines() if line.startswith("| landmarks placed by hand"))
    assert "animator.onnx" in REQUIRED and "drive" not in row
    assert words in PAGE and landmarks.WITHOUT_ANIMATOR.endswith(words)
    TrackConfig(source="me.mp4", out=tmp_path / "take.csv")


def test_its_materials_are_the_templates():
    head = pytest.importorskip("mien_training.head")
    text = PAGE[PAGE.index("- `materials`:") : PAGE.index("- `shapes`:")]
    assert set(re.findall(r"`(\w+)`", text)) - {"materials"} == set(head.MATERIALS)
