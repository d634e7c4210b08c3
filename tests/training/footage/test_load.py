"""Stills from files: a camera without a face is left out, masks come along, units become metres."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.stills import three_stills

from mien.errors import InputError
from mien.video import VideoWriter
from mien_training.cameras.camera import Camera
from mien_training.cameras.lens import LensCamera
from mien_training.footage import load as train_input
from mien_training.footage.load import footage_digests, read_recordings
from mien_training.footage.observations import CameraRecording, observe
from mien_training.synthetic.person import SyntheticPerson
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def folder(template, tmp_path_factory):
    """Three stills with alpha, one that shows nothing, and their cameras, in centimetres."""
    path = tmp_path_factory.mktemp("stills")
    cameras = []
    for number, still in enumerate(
        three_stills(SyntheticPerson.make(template, 3, texture_side=256))
    ):
        alpha = np.uint8(255) * still.masks[0][..., None]
        Image.fromarray(np.concatenate([still.images[0], alpha], 2)).save(path / f"{number}.png")
        pose = still.camera.camera_from_world.copy()
        pose[:3, 3] *= 100
        cameras.append(
            {"file": f"{number}.png", "width": 256, "height": 256,
             "K": still.camera.K.tolist(), "camera_from_world": pose.tolist()}
        )  # fmt: skip
    for name in ("empty.png", "void.png"):
        Image.new("RGBA", (256, 256), (60, 60, 60, 255)).save(path / name)
        cameras.append({**cameras[0], "file": name})
    (path / "cm.json").write_text(json.dumps({"unit_m": 0.01, "cameras": cameras}))
    (path / "unknown.json").write_text(json.dumps({"unit_m": None, "cameras": cameras}))
    return path


def read(folder, template, names, cameras="cm.json"):
    warnings = []
    sources = [folder / name for name in names]
    found = read_recordings(sources, folder / cameras, template, 96, 300, warnings.append)
    return found, warnings


def test_a_camera_without_a_face_is_left_out(folder, template):
    found, warnings = read(folder, template, ["0.png", "empty.png", "2.png"])
    assert len(found) == 2 and len(warnings) == 1
    assert "empty.png" in warnings[0] and "left out" in warnings[0]
    with pytest.raises(InputError, match="no face"):
        read(folder, template, ["empty.png"])
    with pytest.raises(InputError, match=r"empty\.png, void\.png"):
        read(folder, template, ["empty.png", "void.png"])


def test_alpha_becomes_the_mask_of_the_crop(folder, template):
    found, _ = read(folder, template, ["0.png", "1.png"])
    for recording in found:
        inside = recording.points[0, 5]  # on the nose
        assert recording.masks[0, int(inside[1]), int(inside[0])]
        assert 0.2 < recording.masks.mean() < 0.95


def test_an_unknown_unit_is_measured_by_the_face(folder, template):
    known, _ = read(folder, template, ["0.png", "1.png", "2.png"])
    guessed, _ = read(folder, template, ["0.png", "1.png", "2.png"], "unknown.json")
    for a, b in zip(known, guessed, strict=True):
        ratio = b.camera.camera_from_world[2, 3] / a.camera.camera_from_world[2, 3]
        assert 0.85 < ratio < 1.15
        for recording in (a, b):  # the file's own camera stands where that of the crop does
            np.testing.assert_array_equal(
                recording.source.crop.camera.camera_from_world, recording.camera.camera_from_world
            )


def test_a_unit_that_nothing_tells_is_named(folder, template, monkeypatch):
    seen = train_input.read_recording

    def later(source, *rest):
        """As `seen`, but one of the cameras began to record much later."""
        found = seen(source, *rest)
        late = 10.0 if source.name == "2.png" else 0.0
        return replace(found, times_s=found.times_s + late)

    monkeypatch.setattr(train_input, "read_recording", later)
    with pytest.raises(InputError, match=r"unknown\.json: field 'unit_m' is not known"):
        read(folder, template, ["0.png", "2.png"], "unknown.json")
    alone, _ = read(folder, template, ["0.png"], "unknown.json")
    assert alone[0].camera.camera_from_world[2, 3] > 10  # as the file says


def test_what_is_missing_is_said_before_anything_is_tracked(folder, template, monkeypatch):
    monkeypatch.setattr(train_input, "read_recording", None)
    cameras = json.loads((folder / "cm.json").read_text())
    cameras["cameras"] += [{**cameras["cameras"][0], "file": f} for f in ("gone.png", "film.mp4")]
    (folder / "more.json").write_text(json.dumps(cameras))
    with VideoWriter(folder / "film.mp4", 30) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(InputError, match=r"gone\.png: no such file"):
        read(folder, template, ["0.png", "gone.png"], "more.json")
    with pytest.raises(InputError, match=r"0\.png is an image and film\.mp4 is not"):
        read(folder, template, ["0.png", "film.mp4"], "more.json")


def test_the_content_of_all_that_is_read_is_named(folder, tmp_path):
    """Images, calibration, and the masks that it names."""
    for name in ("0.png", "2.png"):
        shutil.copy(folder / name, tmp_path / name)
    Image.new("L", (256, 256), 255).save(tmp_path / "mask.png")
    cameras = json.loads((folder / "cm.json").read_text())
    cameras["cameras"][0]["mask"] = "mask.png"
    (tmp_path / "cm.json").write_text(json.dumps(cameras))
    sources = [tmp_path / "0.png", tmp_path / "2.png"]
    before = footage_digests(sources, tmp_path / "cm.json")
    assert set(before) == {"footage 0.png", "footage 2.png", "cameras", "mask of 0.png"}
    Image.new("L", (256, 256), 254).save(tmp_path / "mask.png")
    after = footage_digests(sources, tmp_path / "cm.json")
    assert [name for name in before if after[name] != before[name]] == ["mask of 0.png"]
    with pytest.raises(InputError, match=r"gone\.png"):
        footage_digests([tmp_path / "gone.png"], tmp_path / "cm.json")


def test_a_face_seldom_seen_is_a_warning(folder, template, monkeypatch):
    seen = train_input.read_recording

    def seldom(source, *rest):
        found = seen(source, *rest)
        blind = np.full_like(found.points, np.nan)
        return CameraRecording(
            np.repeat(found.images, 3, 0), np.arange(3.0), found.camera,
            np.repeat(found.masks, 3, 0), np.concatenate([found.points, blind, blind]),
        )  # fmt: skip

    monkeypatch.setattr(train_input, "read_recording", seldom)
    _, warnings = read(folder, template, ["0.png"])
    assert warnings == [f"{folder / '0.png'}: a face in 1 of 3 frames only"]


def test_a_lens_of_many_terms_is_removed_when_read(folder, template):
    cameras = json.loads((folder / "cm.json").read_text())
    cameras["cameras"][0]["distortion"] = {"k1": -0.1, "p2": 0.01}
    (folder / "lens.json").write_text(json.dumps(cameras))
    (bent, plain), _ = read(folder, template, ["0.png", "2.png"], "lens.json")
    assert isinstance(bent.source.crop.camera, LensCamera)
    assert type(bent.camera) is type(plain.camera) is type(plain.source.crop.camera) is Camera
    assert len(observe([bent, plain]).camera) == 2


def test_a_camera_that_the_file_lacks_is_named(folder, template):
    with pytest.raises(InputError, match=r"no camera for 'other\.png'; it has 0\.png"):
        read(folder, template, ["other.png"])
