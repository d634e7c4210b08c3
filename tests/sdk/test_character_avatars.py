"""A character tells which avatars it has, and gives the one that is asked for."""

import pytest
from support.splat_avatars import avatar_package
from support.volume_avatars import volume_package

import mien
from mien.avatar.playback.splat_avatar import SplatAvatar
from mien.avatar.playback.volume_avatar import VolumeAvatar
from mien.errors import InputError


def test_a_character_says_which_kinds_it_has(tmp_path):
    volume = mien.load(volume_package(tmp_path / "v.mien"))
    splats = mien.load(avatar_package(tmp_path / "s.mien"))
    both = mien.load(volume_package(tmp_path / "both.mien", splats=True))
    assert (volume.avatars, splats.avatars) == (("volume",), ("splats",))
    assert both.avatars == ("splats", "volume")
    assert isinstance(both.avatar(), SplatAvatar) and isinstance(volume.avatar(), VolumeAvatar)
    assert both.avatar("volume") is both.avatar("volume")
    assert volume.has_avatar and volume.avatar_names == () and volume.avatar_network is None
    with pytest.raises(InputError, match="no avatar of kind 'splats', only volume"):
        volume.avatar("splats")
    with pytest.raises(InputError, match="no avatar of kind 'volume', only splats"):
        splats.avatar("volume")
    with pytest.raises(InputError, match="kind is 'mesh', expected one of splats, volume"):
        both.avatar("mesh")
