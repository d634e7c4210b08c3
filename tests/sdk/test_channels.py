import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import channels
from mien.channels import (
    A2F,
    A2F_TONGUE,
    APPLE_RAW,
    ARKIT_CHANNELS,
    HEAD_CHANNELS,
    ICT,
    IFACIALMOCAP,
    LIVE_LINK_CSV,
    LIVE_LINK_UDP,
    NEUROSYNC,
    SCORE_NAMES,
    SPLIT_CHANNELS,
    VRM_PERFECT_SYNC,
    canonical_name,
    mirror_name,
    reorder,
)
from mien.errors import ChannelError

WITH_ALL_52 = [
    ARKIT_CHANNELS, LIVE_LINK_UDP, LIVE_LINK_CSV, NEUROSYNC, A2F, A2F_TONGUE, APPLE_RAW,
    IFACIALMOCAP, VRM_PERFECT_SYNC,
]  # fmt: skip
SIZES = {
    "ARKIT_CHANNELS": 52, "HEAD_CHANNELS": 9, "LIVE_LINK_UDP": 61, "LIVE_LINK_CSV": 61,
    "NEUROSYNC": 68, "SCORE_NAMES": 52, "A2F": 52, "A2F_TONGUE": 68, "APPLE_RAW": 52, "ICT": 53,
    "IFACIALMOCAP": 52, "FACEMOTION3D": 52, "VRM_PERFECT_SYNC": 52,
}  # fmt: skip


@pytest.mark.parametrize("table", SIZES)
def test_tables_hold_distinct_known_names(table):
    names = getattr(channels, table)
    assert len(names) == SIZES[table] == len(set(names))
    for name in names:
        assert canonical_name(canonical_name(name)) == canonical_name(name)


def test_the_places_by_which_sources_differ():
    assert ARKIT_CHANNELS.index("jawLeft") == 15 and ARKIT_CHANNELS.index("mouthRight") == 22
    assert ARKIT_CHANNELS[0] == "eyeBlinkLeft" and ARKIT_CHANNELS[51] == "tongueOut"
    assert LIVE_LINK_UDP[15:17] == ("jawLeft", "jawRight")
    assert LIVE_LINK_CSV[15:17] == ("JawRight", "JawLeft")
    assert LIVE_LINK_CSV[21:23] == ("MouthRight", "MouthLeft")
    assert LIVE_LINK_UDP[52:] == HEAD_CHANNELS and LIVE_LINK_CSV[60] == "RightEyeRoll"
    assert SCORE_NAMES[:2] == ("_neutral", "browDownLeft") and "tongueOut" not in SCORE_NAMES
    jaw = [name for name in SCORE_NAMES if name.startswith("jaw")]
    assert jaw == ["jawForward", "jawLeft", "jawOpen", "jawRight"]
    assert APPLE_RAW[0] == "browDown_L" and "jawLeft" in APPLE_RAW and "jaw_L" not in APPLE_RAW
    assert {"browInnerUp_L", "cheekPuff_R", "mouthLeft"} <= set(ICT) and "tongueOut" not in ICT


def test_score_names_match_the_trackers_own_output(shared_data):
    text = shared_data("tracker_mediapipe/portrait_expected_blendshapes.pbtxt").read_text()
    assert tuple(re.findall(r'label: "(\w+)"', text)) == SCORE_NAMES


def test_live_link_csv_matches_a_real_header(shared_data):
    header = shared_data("livelink_rom/alex_rom_3.csv").open().readline().strip().split(",")
    assert tuple(header[2:]) == LIVE_LINK_CSV


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("EyeBlinkLeft", "eyeBlinkLeft"),
        ("eyeBlink_L", "eyeBlinkLeft"),
        ("EyeBlink_R", "eyeBlinkRight"),
        ("jawLeft", "jawLeft"),
        ("MouthRight", "mouthRight"),
        ("cheekPuff_L", "cheekPuff"),
        ("HeadRoll_deprecated", "headRoll"),
        ("_neutral", "_neutral"),
        ("TongueTipLeft", "tongueTipLeft"),
    ],
)
def test_canonical_name(spelling, canonical):
    assert canonical_name(spelling) == canonical


@pytest.mark.parametrize("name", ["", "jaw_L", "eyeblinkleft", "jawopen", "Fcl_EYE_Close_L"])
def test_unknown_names_are_refused(name):
    with pytest.raises(ChannelError, match="unknown channel"):
        canonical_name(name)


def test_mirroring_is_an_involution_that_swaps_sides():
    for name in LIVE_LINK_UDP:
        assert mirror_name(mirror_name(name)) == name
    assert {mirror_name(name) for name in ARKIT_CHANNELS} == set(ARKIT_CHANNELS)
    assert mirror_name("JawLeft") == "jawRight"
    assert mirror_name("leftEyeYaw") == "rightEyeYaw"
    assert mirror_name("jawOpen") == "jawOpen" and mirror_name("headYaw") == "headYaw"


@pytest.mark.parametrize("source", WITH_ALL_52)
@pytest.mark.parametrize("target", [*WITH_ALL_52, ICT, SCORE_NAMES[1:]])
def test_values_stay_with_their_names(source, target):
    value_of = {name: i / 100 for i, name in enumerate(LIVE_LINK_UDP)}
    values = np.array([value_of.get(canonical_name(name), 9.0) for name in source], np.float32)
    shared = [name for name in target if canonical_name(name) in map(canonical_name, source)]
    got = reorder(values, source, shared)
    np.testing.assert_array_equal(
        got, np.array([value_of.get(canonical_name(name), 9.0) for name in shared], np.float32)
    )


@given(st.permutations(ARKIT_CHANNELS), st.integers(0, 2**32 - 1))
def test_there_and_back_is_the_same(order, seed):
    values = np.random.default_rng(seed).random((3, 52), np.float32)
    back = reorder(reorder(values, ARKIT_CHANNELS, order), order, ARKIT_CHANNELS)
    np.testing.assert_array_equal(back, values)


def test_halves_join_by_mean_and_split_equally():
    values = np.arange(53, dtype=np.float32)
    joined = reorder(values, ICT, ARKIT_CHANNELS, missing=0.0)
    for name in SPLIT_CHANNELS:
        left, right = ICT.index(f"{name}_L"), ICT.index(f"{name}_R")
        assert joined[ARKIT_CHANNELS.index(name)] == (values[left] + values[right]) / 2
    assert joined[ARKIT_CHANNELS.index("tongueOut")] == 0
    split = reorder(joined, ARKIT_CHANNELS, ICT)
    for name in SPLIT_CHANNELS:
        assert split[ICT.index(f"{name}_L")] == split[ICT.index(f"{name}_R")]
    np.testing.assert_array_equal(reorder(values, ICT, ICT), values)


def test_a_rigs_own_extras_keep_their_names():
    assert reorder(np.array([1, 2]), ("jawOpen", "myCrease"), ("myCrease",)).tolist() == [2]


@pytest.mark.parametrize(
    ("source", "target", "missing", "message"),
    [
        (("jawOpen",), ("jawLeft",), None, "has no jawLeft"),
        (("cheekPuff_L",), ("cheekPuff",), None, "has no cheekPuff"),
        (("jawOpen", "JawOpen"), ("jawOpen",), None, "named twice"),
        (("cheekPuff", "cheekPuff_L"), ("cheekPuff",), None, "named twice"),
        (("jawOpen",), ("jawOpen", "JawOpen"), None, "named twice"),
        (("jawOpne",), ("jawOpen",), 0.0, "unknown source channel 'jawOpne'"),
        (("jawOpen", "jawLeft"), ("jawOpen",), None, "do not fit"),
    ],
)
def test_hostile_names(source, target, missing, message):
    values = np.zeros(1 if message == "do not fit" else len(source), np.float32)
    with pytest.raises(ChannelError, match=message):
        reorder(values, source, target, missing)
