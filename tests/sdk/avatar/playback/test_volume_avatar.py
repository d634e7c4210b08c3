"""A character's avatar as a volume: frames in, marked pictures out; the same from wherever."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from support.rigs import CENTRE_M, sphere_rig
from support.volume_avatars import volume_package

import mien
from mien.avatar import Pinhole
from mien.avatar.playback.avatar_image import is_marked
from mien.avatar.playback.coefficient_model import STRAIGHT_BEFORE
from mien.avatar.playback.portrait import portrait
from mien.avatar.playback.volume_avatar import VolumeAvatar
from mien.deform import joint_motion, pose_from_head
from mien.errors import ChannelError, InputError
from mien.rotation import (
    IDENTITY,
    matrix_from_quaternion,
    quaternion_conjugate,
    quaternion_from_rotation_vector,
    quaternion_multiply,
)

SIDE = 32
NAMES = sphere_rig().shape_names


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return volume_package(tmp_path_factory.mktemp("volume") / "sphere.mien")


@pytest.fixture(scope="module")
def avatar(path):
    return mien.load(path).avatar("volume")


def frame_of(values=(0.5, 0.2, 0.7), turn=IDENTITY, names=NAMES) -> mien.Frame:
    q = np.asarray(turn, np.float32)
    still = IDENTITY.astype(np.float32)
    return mien.Frame(
        0.0, names, np.asarray(values, np.float32), q, np.zeros(3, np.float32), still, still,
        np.zeros(0, np.float32), 1.0,
    )  # fmt: skip


def before(turn=IDENTITY, distance_m=0.6) -> Pinhole:
    """A camera that looks at the sphere's middle, from the front when `turn` is none."""
    pose = np.eye(4)
    pose[:3, :3] = matrix_from_quaternion(quaternion_multiply(STRAIGHT_BEFORE, turn))
    pose[:3, 3] = np.array([0, 0, distance_m]) - pose[:3, :3] @ CENTRE_M
    return Pinhole(np.array([[80.0, 0, SIDE / 2], [0, 80, SIDE / 2], [0, 0, 1]]), pose)


def test_pictures_are_cut_out_and_say_what_they_are(avatar, tmp_path):
    picture = avatar.image(frame_of(), portrait(avatar.rig, SIDE, SIDE), SIDE, SIDE)
    image = picture.premultiplied
    assert image.shape == (SIDE, SIDE, 4) and 0.2 < image[..., 3].mean() < 0.95
    assert (image[..., :3] <= image[..., 3:] + 1e-5).all() and (image[0, 0] == 0).all()
    picture.write(tmp_path / "a.png")
    assert is_marked((tmp_path / "a.png").read_bytes())
    assert picture.mark == avatar.entry.synthetic_mark


def test_expressions_change_the_picture(avatar):
    camera = before()
    images = [
        avatar.image(frame_of(values), camera, SIDE, SIDE).premultiplied
        for values in ((0, 0, 0), (1, 0, 0))
    ]
    assert np.abs(images[0] - images[1]).max() > 0.05


def test_head_and_camera_that_turn_together_look_the_same(avatar):
    rig = avatar.rig
    index = np.zeros_like(rig.joint_indices)
    index[:, 0] = rig.find_joint("head")
    weights = np.zeros_like(rig.joint_weights)
    weights[:, 0] = 1
    rigid = replace(avatar, rig=replace(rig, joint_indices=index, joint_weights=weights))
    turn = quaternion_from_rotation_vector([0.1, 0.5, -0.2])
    here = rigid.image(frame_of(), before(), SIDE, SIDE).premultiplied
    motion = joint_motion(rig, pose_from_head(rig, turn), "head")
    camera = Pinhole(before().K, before().camera_from_world @ np.linalg.inv(motion))
    there = rigid.image(frame_of(turn=turn), camera, SIDE, SIDE).premultiplied
    moved = rigid.image(frame_of(turn=turn), before(), SIDE, SIDE).premultiplied
    apart = 255 * np.abs(here - there)
    assert np.quantile(apart, 0.99) < 0.1 and 255 * np.abs(here - moved).mean() > 3


def test_the_view_is_told_to_the_network(avatar):
    """Around a head that is still: other features, from the same channels."""
    turn = quaternion_from_rotation_vector([0, 0.4, 0])
    asked = []

    class Networks:
        def features(self, channels, rotation, displacements):
            asked.append((channels, np.array(rotation), displacements))
            return avatar.networks.features(channels, rotation, displacements)

        def __getattr__(self, name):
            return getattr(avatar.networks, name)

    spied = VolumeAvatar(avatar.entry, avatar.rig, avatar.model, Networks())
    spied.image(frame_of(), before(turn), 8, 8)
    spied.image(frame_of(turn=turn), before(), 8, 8)
    (_, first, moved), (_, second, same) = asked
    np.testing.assert_allclose(first, second, atol=1e-6)
    np.testing.assert_allclose(moved, same, atol=1e-7)  # displacements know no motion of the head
    assert abs(quaternion_multiply(first, quaternion_conjugate(STRAIGHT_BEFORE))[3]) < 0.99


def test_frames_of_other_characters_are_refused(avatar):
    with pytest.raises(ChannelError):
        avatar.image(frame_of(names=("a", "b", "jawOpen")), before(), 8, 8)
    with pytest.raises(InputError, match="image of 0 x 8"):
        avatar.image(frame_of(), before(), 0, 8)


def test_without_warp_the_extra_is_named(path):
    code = (
        "import sys; sys.modules['warp'] = None\n"
        "import mien, numpy as np\n"
        f"c = mien.load({str(path)!r})\n"
        "still = np.array([0, 0, 0, 1], np.float32)\n"
        "f = mien.Frame(0.0, c.channel_names, np.zeros(3, np.float32), still,\n"
        "    np.zeros(3, np.float32), still, still, np.zeros(0, np.float32), 1.0)\n"
        "try: c.avatar().image(f, None, 8, 8)\n"
        "except mien.errors.MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "mien[avatar]" in done.stdout, done.stdout + done.stderr
