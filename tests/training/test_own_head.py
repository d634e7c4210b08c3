"""A user's head through the whole chain: a packed avatar in, a verified character out."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support import packed_gltf
from support.avatars import READY_PLAYER_ME, Z_UP, avatar, body, hair_cap, maya_name

import mien
from mien.__main__ import main
from mien.clip import Clip
from mien.package import verify_package
from mien.video import VideoWriter
from mien_training.synthetic.person import SyntheticPerson, record_views


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def few(anny_head):
    """Every shape is finished, counted and drawn."""
    kept = [k for k, name in enumerate(anny_head.shape_names)
            if name.startswith(("eye", "jawOpen", "mouthClose"))]  # fmt: skip
    names = tuple(anny_head.shape_names[k] for k in kept)
    return replace(anny_head, shape_names=names, shape_deltas=anny_head.shape_deltas[kept])


@pytest.fixture(scope="module")
def head(few, folder):
    """Separate meshes in centimetres, lying on its back, Maya's names, quantised, meshopt."""
    extra = {"body": body(), "hair": hair_cap(few)}
    data = avatar(few, READY_PLAYER_ME, maya_name, 100, {"rotation": Z_UP}, extra)
    path = folder / "head.glb"
    path.write_bytes(packed_gltf.with_meshopt(packed_gltf.quantised(data)))
    return path


@pytest.fixture(scope="module")
def video(anny_head, folder):
    """A quarter of a second of a generated person who opens the mouth."""
    person = SyntheticPerson.make(anny_head, 3, texture_side=256)
    times = np.arange(9) / 30
    values = (0.5 - 0.5 * np.cos(12 * times))[:, None].astype(np.float32)
    clip = Clip(names=("jawOpen",), times_s=times, values=values)
    path = folder / "eve.mp4"
    with VideoWriter(path, 30) as writer:
        for image in record_views(person, clip, 1, 30.0, size=128, seed=2).views[0].images:
            writer.write(image)
    return path


def test_an_avatar_becomes_a_verified_character(
    head, video, folder, short_recordings, capsys, monkeypatch
):
    monkeypatch.setenv("MIEN_CACHE", str(folder / "cache"))
    rig, animator, package = folder / "rig", folder / "animator", folder / "eve.mien"
    words = {"points.steps": 40, "neutral-rounds": 1, "joint-rounds": 1, "steps": 4,
             "texture-side": 64, "smoothing": "surface"}  # fmt: skip
    assert main([
        "train", "rig", str(video), "--template", str(head), "--out", str(rig), "--name", "eve",
        "--size", "96", "--device", "cpu", "--texture-side", "256",
        *(word for name, value in words.items() for word in (f"--fit.{name}", str(value))),
    ]) == 0  # fmt: skip
    said = capsys.readouterr().err
    for words_ in ("turned by 90 degrees", "centimetres", "Wolf3D_Hair", "shapes are missing"):
        assert words_ in said.replace("\n", " ")
    assert main([
        "train", "animator", "--rig", str(rig), "--consent", "given", "--consent-statement",
        "A generated person.", "--out", str(animator), "--frames", "200", "--workers", "1",
        "--device", "cpu", "--fit.steps", "30", "--fit.batch", "8", "--fit.window", "4",
    ]) == 0  # fmt: skip
    assert main(["export", str(animator), "--out", str(package)]) == 0
    capsys.readouterr()
    assert main(["verify", str(package), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []
    assert verify_package(package).problems == ()
    assert {"jawOpen", "eyeBlinkLeft", "eyeLookUpRight"} <= set(mien.load(package).rig.shape_names)
