"""One moment as a file: the Gaussians of the frame, in every format, and a marked picture."""

import json

import numpy as np
import pytest
from support.packages import tiny_content
from support.splat_avatars import avatar_package
from support.volume_avatars import volume_package

import mien
from mien.avatar.playback.avatar_image import is_marked
from mien.clip import Clip
from mien.errors import InputError
from mien.package import package_bytes
from mien_exporters.avatar.splats_glb import splats_from_glb
from mien_exporters.avatar.splats_ply import splats_from_ply
from mien_exporters.avatar.splats_spz import splats_from_spz
from mien_exporters.avatar.still import StillConfig, moment, run

READ = {
    ".ply": splats_from_ply, ".spz": splats_from_spz, ".glb": lambda data: splats_from_glb(data)[0],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("still")
    avatar_package(found / "s.mien")
    values = np.zeros((3, 3), np.float32)
    values[1] = 0.8
    Clip(("jawOpen", "browInnerUp", "headYaw"), np.array([5.0, 6.0, 7.0]), values).write(
        found / "take.npz"
    )
    return found


@pytest.mark.parametrize("suffix", READ)
def test_gaussians_of_a_moment(folder, suffix, capsys):
    out = folder / f"a{suffix}"
    clip = folder / "take.npz"
    assert run(StillConfig(folder / "s.mien", out, clip=clip, time_s=1.1, json=True)) == 0
    report = json.loads(capsys.readouterr().out)
    character = mien.load(folder / "s.mien")
    frame = moment(character, Clip.read(clip), 1.0)
    assert frame["jawOpen"] == pytest.approx(0.8)
    expected = character.avatar().splats(frame)
    found = READ[suffix](out.read_bytes())
    assert report["gaussians"] == len(found) == len(expected)
    np.testing.assert_allclose(found.means, expected.means, atol=2e-6)
    at_rest = character.avatar().splats(moment(character, None, 0))
    assert np.abs(found.means - at_rest.means).max() > 1e-3


def test_a_picture(folder):
    run(StillConfig(folder / "s.mien", folder / "a.png", size=64))
    assert is_marked((folder / "a.png").read_bytes())


def test_a_volume_gives_pictures_only(folder, tmp_path, capsys):
    volume_package(tmp_path / "both.mien", splats=True)
    out = tmp_path / "v.png"
    run(StillConfig(tmp_path / "both.mien", out, kind="volume", size=24, json=True))
    report = json.loads(capsys.readouterr().out)
    assert is_marked(out.read_bytes())
    assert (report["kind"], report["gaussians"]) == ("volume", 0)
    with pytest.raises(InputError, match=r"the avatar is a volume, which has no Gaussians.*\.png"):
        run(StillConfig(tmp_path / "both.mien", tmp_path / "v.ply", kind="volume"))
    with pytest.raises(InputError, match="no avatar of kind 'volume', only splats"):
        run(StillConfig(folder / "s.mien", tmp_path / "w.png", kind="volume"))
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".mien"] == ["v.png"]


def test_wrong_calls(folder, tmp_path):
    with pytest.raises(InputError, match="ending in one of"):
        run(StillConfig(folder / "s.mien", tmp_path / "a.obj"))
    with pytest.raises(InputError, match="time 9 s, expected 0 to 2"):
        run(StillConfig(folder / "s.mien", tmp_path / "a.ply", folder / "take.npz", 9.0))
    (tmp_path / "plain.mien").write_bytes(package_bytes(*tiny_content()))
    with pytest.raises(InputError, match="has no avatar"):
        run(StillConfig(tmp_path / "plain.mien", tmp_path / "a.ply"))
    assert not (tmp_path / "a.ply").exists()
