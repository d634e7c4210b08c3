import numpy as np
import pytest

from mien.channels import (
    A2F,
    APPLE_RAW,
    ARKIT_CHANNELS,
    IFACIALMOCAP,
    LIVE_LINK_UDP,
)
from mien.clip import Clip
from mien.errors import ChannelError
from mien.frame import eye_rotations, frames_from_clip
from mien.frame_table import FrameTable
from mien.rotation import quaternion_from_angles, rotate

FORWARD = [0, 0, 1]


@pytest.mark.parametrize(
    ("channel", "axis", "sign"),
    [
        ("eyeLookUp{}", 1, 1),
        ("eyeLookDown{}", 1, -1),
        ("eyeLookOut{}", 0, 0),
        ("eyeLookIn{}", 0, 0),
    ],
)
@pytest.mark.parametrize("side", ["Left", "Right"])
def test_eyes_look_where_the_channel_says(channel, axis, sign, side):
    name = channel.format(side)
    weights = np.array([float(name == other) for other in ARKIT_CHANNELS], np.float32)
    eyes = dict(zip(("Left", "Right"), eye_rotations(ARKIT_CHANNELS, weights), strict=True))
    own_left = (side == "Left") == ("Out" in name)  # +X in rig space
    assert np.sign(rotate(eyes.pop(side), FORWARD)[axis]) == (sign or (1 if own_left else -1))
    np.testing.assert_allclose(rotate(*eyes.values(), FORWARD), FORWARD, atol=1e-7)


def test_eyes_agree_with_a_real_recording(shared_data):
    """The recording has both: channels, and the angles of the eyes."""
    take = Clip.read(shared_data("livelink_rom/alex_rom_3.csv"))
    derived = eye_rotations(take.names, take.values)
    for eye, rotations in zip(("leftEye", "rightEye"), derived, strict=True):
        angles = np.stack([take[f"{eye}{name}"] for name in ("Yaw", "Pitch", "Roll")], axis=1)
        truth = rotate(quaternion_from_angles(angles), FORWARD)
        apart = np.degrees(np.arccos(np.clip((rotate(rotations, FORWARD) * truth).sum(-1), -1, 1)))
        assert np.median(apart) < 5  # the eyes' resting convergence of 3 to 4 degrees is part of it


def test_a_clip_as_frames_and_back(shared_data):
    take = Clip.read(shared_data("livelink_rom/alex_rom_3.csv")).between(0, 3)
    frames = tuple(frames_from_clip(take, ARKIT_CHANNELS))
    assert len(frames) == len(take) and frames[7].confidence == 1
    assert frames[7]["jawOpen"] == take["jawOpen"][7] == frames[7]["JawOpen"]
    back = FrameTable(frames).clip
    np.testing.assert_array_equal(back.times_s, take.times_s)
    np.testing.assert_allclose(back.select(take.names).values, take.values, atol=1e-6)


def test_without_angles_the_eyes_follow_the_channels():
    clip = Clip(("eyeLookUpLeft", "jawOpen"), np.array([0.0]), np.array([[1.0, 0.2]]))
    frame = next(frames_from_clip(clip, ("jawOpen", "eyeLookUpLeft", "mouthClose")))
    assert frame.channels.tolist() == pytest.approx([0.2, 1.0, 0.0])
    assert rotate(frame.left_eye_xyzw, FORWARD)[1] > 0.3
    np.testing.assert_array_equal(frame.head_rotation_xyzw, [0, 0, 0, 1])


def test_a_rigs_own_extras_come_through():
    clip = Clip(("myCrease", "jawOpen"), np.array([0.0]), np.array([[0.7, 0.2]]))
    assert next(frames_from_clip(clip, ("jawOpen", "myCrease")))["myCrease"] == pytest.approx(0.7)


def test_unknown_channels_of_a_frame():
    frame = next(frames_from_clip(Clip(("jawOpen",), np.zeros(1), np.zeros((1, 1))), ("jawOpen",)))
    with pytest.raises(ChannelError, match="no channel 'mouthClose'"):
        frame["mouthClose"]
    with pytest.raises(ChannelError, match="unknown channel"):
        frame["jawOpne"]


def frame_of(names, values, **pose):
    clip = Clip((*names, *pose), np.zeros(1), np.array([[*values, *pose.values()]], np.float32))
    return next(frames_from_clip(clip, names))


def test_weights_are_plain_floats_by_name():
    weights = frame_of(("jawOpen", "myCrease"), (0.25, 1.5)).weights
    assert weights == {"jawOpen": 0.25, "myCrease": 1.5}
    assert {type(value) for value in weights.values()} == {float}


def test_values_come_in_an_engines_own_order_and_spelling():
    values = np.linspace(0, 1, 52, dtype=np.float32)
    frame = frame_of(ARKIT_CHANNELS, values)
    for names in (A2F, APPLE_RAW, IFACIALMOCAP):
        got = frame.values(names)
        assert got.dtype == np.float32 and got.shape == (52,)
        np.testing.assert_array_equal(got, [frame[name] for name in names])
    halves = frame.values(["cheekPuff_L", "CheekPuff_R"])
    np.testing.assert_array_equal(halves, [frame["cheekPuff"]] * 2)


def test_values_have_the_heads_angles_too():
    frame = frame_of(ARKIT_CHANNELS, np.zeros(52), headYaw=0.3, headPitch=-0.2, headRoll=0.1)
    got = frame.values(LIVE_LINK_UDP)
    np.testing.assert_allclose(got[52:55], [0.3, -0.2, 0.1], atol=1e-6)
    assert not got[:52].any() and got.shape == (61,)


@pytest.mark.parametrize("names", [["jawOpne"], ["mouthClose"], ["jawOpen", "JawOpen"]])
def test_values_refuse_names_that_are_unknown_absent_or_duplicate(names):
    with pytest.raises(ChannelError):
        frame_of(("jawOpen",), (0.5,)).values(names)
