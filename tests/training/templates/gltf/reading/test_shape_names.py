"""ARKit's shapes are known in the spellings that tools write, and nothing else is taken for one."""

import pytest

from mien.channels import APPLE_RAW, ARKIT_CHANNELS, ICT, LIVE_LINK_CSV
from mien_training.templates.gltf.reading.shape_names import named_channels


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


@pytest.mark.parametrize(
    "names",
    [
        ARKIT_CHANNELS, LIVE_LINK_CSV[:52], APPLE_RAW,
        tuple(map(snake, ARKIT_CHANNELS)), tuple(snake(n).upper() for n in ARKIT_CHANNELS),
        tuple(f"blendShape1.{n}" for n in APPLE_RAW), tuple(f"Head_BS:{n}" for n in ARKIT_CHANNELS),
        tuple(f"ARKit_{n}" for n in ARKIT_CHANNELS), tuple(f"bs2_{n}" for n in ARKIT_CHANNELS),
        tuple(n.replace("Left", ".L").replace("Right", ".R") for n in ARKIT_CHANNELS),
    ],
    ids=["arkit", "LiveLink", "Apple", "snake", "SNAKE", "Maya", "namespace", "prefix", "number",
         "Blender"],
)  # fmt: skip
def test_all_52_in_every_spelling(names):
    found = named_channels(names)
    assert set(found) == set(ARKIT_CHANNELS)
    assert sorted(row for rows in found.values() for row in rows) == list(range(52))


def test_halves_add_up_unless_the_whole_is_there():
    assert named_channels(["browInnerUp_L", "browInnerUp_R"]) == {"browInnerUp": [0, 1]}
    assert named_channels(["browInnerUpRight", "BrowInnerUpLeft"]) == {"browInnerUp": [0, 1]}
    assert named_channels(["cheekPuff_L", "cheekPuff", "cheekPuff_R"]) == {"cheekPuff": [1]}
    assert {name: len(rows) for name, rows in named_channels(ICT).items() if len(rows) > 1} == {
        "browInnerUp": 2, "cheekPuff": 2,
    }  # fmt: skip


def test_of_two_spellings_the_first_counts():
    assert named_channels(["jawOpen", "JawOpen", "head.jaw_open"]) == {"jawOpen": [0]}


@pytest.mark.parametrize(
    "name",
    ["mouthSmile", "mouthOpen", "eyesClosed", "viseme_aa", "Fcl_MTH_A", "Fcl_EYE_Close_L",
     "lower_mouth_left", "left", "L", "mouthRollL", "", "...", "headYaw", "angry", "browInner",
     "jawOpenWide"],
)  # fmt: skip
def test_other_shapes_are_not_taken_for_one(name):
    assert named_channels([name]) == {}


def test_what_the_user_says_goes_before():
    targets = ["A", "jawOpen", "In_1", "In_2"]
    given = {"jawOpen": ["A"], "browInnerUp": ["In_1", "In_2"]}
    assert named_channels(targets, given) == {"jawOpen": [0], "browInnerUp": [2, 3]}
