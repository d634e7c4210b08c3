"""A character's avatar: frames in, Gaussians and marked pictures out."""

import subprocess
import sys

import numpy as np
import pytest
from support.rigs import CENTRE_M, sphere_rig
from support.splat_avatars import avatar_package, sphere_avatar

import mien
from mien.avatar import Pinhole, draw_splats
from mien.avatar.playback.splat_avatar import STRAIGHT_BEFORE, camera_turn
from mien.errors import ChannelError, InputError
from mien.rotation import (
    IDENTITY,
    matrix_from_quaternion,
    quaternion_from_rotation_vector,
    quaternion_multiply,
)
from mien_exporters.avatar.avatar_run import with_eight_bit_maps

RUN = with_eight_bit_maps(sphere_avatar())[2]
SIDE = 48


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return avatar_package(tmp_path_factory.mktemp("avatar") / "sphere.mien")


@pytest.fixture(scope="module")
def avatar(path):
    return mien.load(path).avatar()


def frame_of(values=(0.5, 0.2, 0.7), turn=IDENTITY, names=RUN.channel_names) -> mien.Frame:
    q = np.asarray(turn, np.float32)
    return mien.Frame(
        0.0, names, np.asarray(values, np.float32), q, np.zeros(3, np.float32),
        IDENTITY.astype(np.float32), IDENTITY.astype(np.float32), np.zeros(0, np.float32), 1.0,
    )  # fmt: skip


def before(distance_m=0.6, turn=IDENTITY) -> Pinhole:
    """A camera that looks at the sphere's middle, from the front when `turn` is none."""
    pose = np.eye(4)
    pose[:3, :3] = matrix_from_quaternion(quaternion_multiply(STRAIGHT_BEFORE, turn))
    pose[:3, 3] = np.array([0, 0, distance_m]) - pose[:3, :3] @ CENTRE_M
    return Pinhole(np.array([[100.0, 0, SIDE / 2], [0, 100, SIDE / 2], [0, 0, 1]]), pose)


def test_coefficients_are_the_networks(avatar):
    turn = quaternion_from_rotation_vector([0.1, -0.4, 0.05])
    rotation = np.diag([1.0, -1, -1]) @ matrix_from_quaternion(turn)
    codes = np.concatenate([[0.5, 0.2, 0.7], rotation[:, :2].ravel()])[None].astype(np.float32)
    found = avatar.coefficients([0.5, 0.2, 0.7], turn)
    np.testing.assert_allclose(found, RUN.coefficients(codes)[0], atol=1e-5)
    assert found.shape == (len(avatar.coefficient_names),)
    named = avatar.coefficients([0.7, 0.5, 0.2], turn, ["browInnerUp", "JawOpen", "mouthSmile_L"])
    np.testing.assert_allclose(named, found, atol=1e-6)
    many = avatar.coefficients(np.tile([0.5, 0.2, 0.7], (4, 1)), turn)
    np.testing.assert_allclose(many, np.tile(found, (4, 1)), atol=1e-6)


def test_splats_are_the_models(avatar):
    rig = sphere_rig()
    values = np.array([0.5, 0.2, 0.7], np.float32)
    turn = quaternion_from_rotation_vector([0, 0.5, 0])
    posed = rig.vertices + np.tensordot(values, rig.shape_deltas, 1)
    expected = RUN.model.posed(posed, avatar.coefficients(values, turn))
    found = avatar.splats(frame_of(values, turn))
    for name in ("means", "rotations", "scales", "opacities", "colours"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), atol=1e-6, err_msg=name
        )
    swapped = frame_of(values[::-1], turn, RUN.channel_names[::-1])
    np.testing.assert_allclose(avatar.splats(swapped).means, found.means, atol=1e-6)


def test_frames_of_other_characters_are_refused(avatar):
    with pytest.raises(ChannelError):
        avatar.splats(frame_of([1, 2, 3], names=("a", "b", "c")))


def test_bounds_hold_the_centres_at_rest(avatar):
    low, high = avatar.bounds()
    means = avatar.splats(frame_of([0, 0, 0])).means
    assert (means > low - 0.03).all() and (means < high + 0.03).all()


def test_a_picture_from_the_front(avatar):
    picture = avatar.image(frame_of(), before(), SIDE, SIDE)
    assert picture.rgba.shape == (SIDE, SIDE, 4)
    assert picture.mark.startswith("Synthetic image of sphere")
    expected = draw_splats(avatar.splats(frame_of()), before(), SIDE, SIDE)
    np.testing.assert_array_equal(picture.premultiplied, expected)
    assert 0.1 < picture.premultiplied[..., 3].mean() < 0.9


def test_a_head_that_turns_is_a_camera_that_goes_round(avatar):
    """The sphere's upper half hangs on the head joint alone: there it is exact."""
    turn = quaternion_from_rotation_vector([0, 0.3, 0])
    told = avatar.coefficients(frame_of().channels, turn)
    np.testing.assert_allclose(
        avatar.network.coefficients(frame_of().channels, camera_turn(before(turn=turn))),
        told, atol=1e-5,
    )  # fmt: skip
    turned = avatar.image(frame_of(turn=turn), before(), SIDE, SIDE).premultiplied
    still = avatar.image(frame_of(), before(), SIDE, SIDE).premultiplied
    assert np.abs(turned - still).mean() > 0.01


def test_characters_without_one_and_damaged_ones(path, tmp_path):
    from support.packages import tiny_content

    from mien.package import package_bytes

    plain = mien.load(package_bytes(*tiny_content()))
    assert not plain.has_avatar and mien.load(path).has_avatar
    with pytest.raises(InputError, match="character 'Sphere' has no avatar"):
        plain.avatar()
    from mien.avatar.playback.splat_avatar import SplatAvatar

    character = mien.load(path)
    with pytest.raises(InputError, match="has no avatar 1, only 1"):
        SplatAvatar.of(character.package, character.rig, 1)
    assert character.avatar() is character.avatar()


def test_neither_torch_nor_warp_is_loaded_until_a_picture_is_wanted(path):
    code = (
        "import sys, mien, numpy as np\n"
        f"a = mien.load({str(path)!r}).avatar()\n"
        "a.model.posed(a.rig.vertices, a.coefficients(np.zeros(3)))\n"
        "print(sorted({'torch', 'warp', 'scipy', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_extra_is_named_where_it_is_missing(path):
    code = (
        "import sys; sys.modules['warp'] = None\n"
        "import mien, numpy as np\n"
        "from mien.frame import frames_from_clip\n"
        f"c = mien.load({str(path)!r})\n"
        "clip = mien.Clip(c.channel_names, np.zeros(1), np.zeros((1, 3)))\n"
        "frame = next(frames_from_clip(clip, c.channel_names))\n"
        "try: c.avatar().image(frame, None, 8, 8)\n"
        "except mien.MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'mien[avatar]'" in done.stdout, done.stdout + done.stderr


def test_eight_bits_cost_less_than_a_pictures_own():
    fine, coarse = sphere_avatar(), RUN
    c = np.full(len(fine.maps), 1.5, np.float32)
    one, other = (r.model.posed(r.vertices, c) for r in (fine, coarse))
    assert np.abs(one.colours - other.colours).max() < 2 / 255
    assert np.abs(one.means - other.means).max() < 0.03 * fine.spacing_m.max()
