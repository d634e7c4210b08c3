"""An avatar's coefficients come with the frames that ask for them: the same as in process."""

import grpc
import numpy as np
import pytest
from support.raw_animation import OPEN, WIRE_LAYOUT, exchange_raw
from support.service import NEUTRAL, serving, take, write_sphere
from support.splat_avatars import avatar_package
from support.volume_avatars import volume_package

import mien
from mien.avatar.playback.splat_avatar import SplatAvatar
from mien.service import wire
from mien.service.character_registry import CharacterRegistry, ServedCharacter
from mien.service.client import connect

WANTED = wire.Outputs(avatar=True)
OPEN_SPHERE = wire.AnimateOpen("sphere", WIRE_LAYOUT)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return avatar_package(tmp_path_factory.mktemp("avatar") / "sphere.mien")


@pytest.fixture(scope="module")
def server(path):
    with serving(CharacterRegistry([ServedCharacter.load(path)])) as running:
        yield running


def test_coefficients_are_those_of_the_frame(server, path):
    character = mien.load(path)
    avatar: SplatAvatar = character.avatar()
    with (
        connect(server.address) as client,
        client.session("sphere", layout=character.layout, neutral=NEUTRAL, outputs=WANTED) as far,
        character.session(neutral=NEUTRAL) as near,
    ):
        assert far.opened.avatar_names == avatar.coefficient_names
        assert far.opened.settings.outputs.avatar
        for features, time_s in take(5):
            frame, local = far.step(features, time_s), near.step(features, time_s)
            expected = avatar.coefficients(local.channels, local.head_rotation_xyzw)
            np.testing.assert_allclose(frame.avatar, expected, atol=1e-5)
            assert len(local.avatar) == 0
            splats = avatar.splats(frame)
            np.testing.assert_allclose(splats.means, avatar.splats(local).means, atol=1e-5)


def test_none_unless_asked_for(server, path):
    layout = mien.load(path).layout
    with (
        connect(server.address) as client,
        client.session("sphere", layout=layout, neutral=NEUTRAL) as far,
    ):
        assert len(far.opened.avatar_names) == 5  # what could be asked for
        features, time_s = take(1)[0]
        assert len(far.step(features, time_s).avatar) == 0


def test_a_volume_has_neither_coefficients_nor_pictures(tmp_path):
    """A picture of one takes as long as hundreds of splats', and animation would wait."""
    volume = volume_package(tmp_path / "v.mien")
    pictures = wire.Outputs(avatar_picture=wire.AvatarPictureOutputs(16))
    with serving(CharacterRegistry([ServedCharacter.load(volume)])) as running:
        for outputs, words in (
            (WANTED, "outputs.avatar: character 'sphere' has no avatar with coefficients"),
            (pictures, "outputs.avatar_picture: character 'sphere' has no avatar of splats"),
        ):
            opening = wire.AnimateOpen("sphere", WIRE_LAYOUT, outputs=outputs)
            _, code, told = exchange_raw(running.address, opening)
            assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert f"{words}, only a volume" in told
        answers, code, _ = exchange_raw(running.address, OPEN_SPHERE)
        assert len(answers) == 1 and code is grpc.StatusCode.OK
        assert tuple(answers[0].avatar_names) == ()


def test_characters_without_one_are_refused(tmp_path):
    with serving(CharacterRegistry([ServedCharacter.load(write_sphere(tmp_path))])) as running:
        opening = wire.AnimateOpen("Sphere", WIRE_LAYOUT, outputs=WANTED)
        _, code, told = exchange_raw(running.address, opening)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "outputs.avatar: character 'Sphere' has no avatar" in told
        answers, code, _ = exchange_raw(running.address, OPEN)
        assert len(answers) == 1 and code is grpc.StatusCode.OK
