"""`mien drive --avatar`: previews show the avatar and say that they are synthetic."""

import json

import av
import numpy as np
import pytest
from PIL import Image
from support.splat_avatars import avatar_package
from support.volume_avatars import volume_package

from mien.__main__ import main
from mien.avatar.playback.avatar_image import is_marked
from mien.clip import Clip
from mien.video import read_frames

pytest.importorskip("torch", reason="previews are written by the extra `train`")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("drive")
    avatar_package(found / "s.mien")
    times = np.arange(4) / 10
    values = np.stack([[0, 0.3, 0.6, 0.9], [0, 0.1, 0.2, 0.3]], 1)
    Clip(("jawOpen", "headYaw"), times, values).write(found / "take.npz")
    return found


def drive(folder, *words: str) -> int:
    return main(["drive", str(folder / "s.mien"), str(folder / "take.npz"), *words])


def test_previews_show_the_avatar(folder, tmp_path, capsys):
    files = [str(tmp_path / name) for name in ("a.mp4", "a.png", "a.gif", "a.csv")]
    assert drive(folder, "--avatar", "--json", "--out", *files) == 0
    assert len(json.loads(capsys.readouterr().out)["out"]) == 4
    assert drive(folder, "--out", str(tmp_path / "mesh.mp4")) == 0
    shown, mesh = ([f.image for f in read_frames(tmp_path / f"{n}.mp4")] for n in ("a", "mesh"))
    assert len(shown) == len(mesh) == 4
    assert np.abs(shown[0].astype(int) - mesh[0]).mean() > 5  # random colours, not the mesh's
    assert np.abs(shown[0].astype(int) - shown[3]).mean() > 1
    with av.open(str(tmp_path / "a.mp4")) as video:
        assert video.metadata["comment"].startswith("Synthetic image of sphere")
    with av.open(str(tmp_path / "mesh.mp4")) as video:
        assert "comment" not in video.metadata
    assert is_marked((tmp_path / "a.png").read_bytes())
    assert Image.open(tmp_path / "a.gif").info["comment"].startswith(b"Synthetic image")


def test_a_volume_is_shown_where_there_is_nothing_else(folder, tmp_path, capsys):
    volume_package(tmp_path / "v.mien")
    out, take = tmp_path / "a.png", str(folder / "take.npz")
    words = ["drive", str(tmp_path / "v.mien"), take, "--avatar", "--out", str(out), "--limit", "1"]
    assert main(words) == 0
    assert is_marked(out.read_bytes())
    # The middle of the sheet is no background: somebody is there.
    assert np.asarray(Image.open(out).convert("L")).std() > 5


def test_wrong_calls_are_refused_before_anything_is_read(folder, tmp_path, capsys):
    assert drive(folder, "--avatar", "--out", str(tmp_path / "a.csv")) == 2
    assert "name a file ending in .mp4, .gif or .png" in capsys.readouterr().err
    from support.packages import tiny_content

    from mien.package import package_bytes

    (tmp_path / "plain.mien").write_bytes(package_bytes(*tiny_content()))
    out = str(tmp_path / "a.mp4")
    take = str(folder / "take.npz")
    assert main(["drive", str(tmp_path / "plain.mien"), take, "--avatar", "--out", out]) == 2
    assert "has no avatar" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plain.mien"]
