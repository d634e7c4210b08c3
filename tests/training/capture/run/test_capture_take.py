"""The whole command, from pictures to a run folder, interrupted, changed and called again."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.captured_takes import NAMES, SIDE, CodedPredictor, write_take

from mien.errors import InputError
from mien.glb import read_rig
from mien_training.capture.report.sections import mean_offsets
from mien_training.capture.run.capture_take import capture_take
from mien_training.capture.run.config import CaptureConfig
from mien_training.footage.captured import read_meshes, read_residuals
from mien_training.templates.load import load_template, write_template

MOMENTS = 11
LOST = {"failing": {3}, "refused": {4}}


@pytest.fixture(scope="module")
def template_file(head_template, tmp_path_factory):
    path = tmp_path_factory.mktemp("head") / "spheres.npz"
    write_template(path, head_template)
    return path


@pytest.fixture(scope="module")
def template(template_file):
    return load_template(str(template_file))


@pytest.fixture(scope="module")
def config(template_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("capture")
    pictures, calibration = write_take(folder, MOMENTS)
    return CaptureConfig(
        (pictures,), calibration, folder / "run", template=str(template_file), texture_side=32,
        write=("glb", "ply"), fps=50, smooth="none",
    )  # fmt: skip


@pytest.fixture(scope="module")
def metrics(config, template):
    return capture_take(config, CodedPredictor(template, **LOST), quiet=True)


def test_the_run_holds_the_take(config, metrics, template):
    meshes, residuals = read_meshes(config.out), read_residuals(config.out)
    assert len(meshes) == MOMENTS == metrics["moments"]
    np.testing.assert_allclose(meshes.time_s, np.arange(MOMENTS) / 50)
    assert [n for n in range(MOMENTS) if meshes.failure[n]] == [3, 4] and metrics["failures"] == 2
    assert residuals.names == NAMES
    offsets = mean_offsets(residuals.offsets_px())
    np.testing.assert_allclose(offsets, np.tile((0.5, -0.2), (3, 1)), atol=0.01)
    assert (meshes.in_head()[5] - template.vertices)[:, 1].max() < 1e-6  # moment 5 has no dent
    names = {path.name for path in config.out.iterdir()}
    assert names == {
        "config.json", "inputs.json", "meshes.npz", "metrics.json", "ply", "report.html",
        "residuals.npz", "seconds.json", "take.glb", "texture.png",
    }  # fmt: skip
    assert len(list((config.out / "ply").iterdir())) == MOMENTS - 2
    assert read_rig((config.out / "take.glb").read_bytes()).shape_names
    with Image.open(config.out / "texture.png") as texture:
        assert texture.size == (32, 32)


def test_the_report_shows_it_and_says_nothing_of_this_machine(config, metrics):
    text = (config.out / "report.html").read_text()
    for words in ("The mesh over the pictures", "Over time", "the rays do not agree", *NAMES):
        assert words in text
    assert len(re.findall(r"<img ", text)) == 3 + 1 + 2
    assert str(config.out.parent) not in text
    assert str(config.out.parent) not in (config.out / "metrics.json").read_text()


def test_interrupted_and_called_again_it_ends_the_same(config, metrics, template, tmp_path):
    again = replace(config, out=tmp_path / "run", write=())
    with pytest.raises(KeyboardInterrupt):
        capture_take(again, CodedPredictor(template, ending=9, **LOST), quiet=True)
    assert not (again.out / "meshes.npz").exists()
    rest = CodedPredictor(template, **LOST)
    capture_take(again, rest, quiet=True)
    assert min(rest.starts) == 8
    for name in ("meshes.npz", "residuals.npz", "texture.png", "inputs.json", "config.json"):
        assert (again.out / name).read_bytes() == (config.out / name).read_bytes(), name

    idle = CodedPredictor(template)
    found = capture_take(replace(again, write=("glb",), show_frames=False), idle, quiet=True)
    assert not idle.starts and (again.out / "take.glb").exists()  # finished: other files alone
    assert found["glb"]["error_mm"] < 0.05
    assert "no pixel of them" in (again.out / "report.html").read_text()


def test_changed_inputs_and_options_are_refused(config, metrics, template, tmp_path):
    other = CodedPredictor(template, digest="1" * 64)
    with pytest.raises(InputError, match="changed since this run began: net"):
        capture_take(config, other, quiet=True)
    with pytest.raises(InputError, match="other options"):
        capture_take(replace(config, fps=25), CodedPredictor(template), quiet=True)
    with pytest.raises(InputError, match="--net: of template"):
        moved = replace(template, vertices=2 * template.vertices)
        capture_take(config, CodedPredictor(moved), quiet=True)


def test_bad_input_leaves_no_folder(config, template, tmp_path):
    out = tmp_path / "new" / "run"
    pictures, calibration = write_take(tmp_path, 2)
    wrong = replace(config, sources=(pictures,), cameras=calibration, out=out)
    Image.new("RGB", (SIDE + 2, SIDE)).save(pictures / "left" / "shot2_0000.png")
    with pytest.raises(InputError, match=r"shot2_0000\.png: 26 x 24 pixels"):
        capture_take(wrong, CodedPredictor(template), quiet=True)
    assert not out.parent.exists()
    with pytest.raises(InputError, match="no head in any of the first 2 moments"):
        capture_take(
            replace(wrong, sources=config.sources, cameras=config.cameras, frames="0:1"),
            CodedPredictor(template, refused={0, 1}), quiet=True,
        )  # fmt: skip
    assert not out.parent.exists()


def test_metrics_are_plain_json(config, metrics):
    assert json.loads((config.out / "metrics.json").read_text()) == json.loads(json.dumps(metrics))
    assert {"reading", "predicting"} <= set(metrics["seconds"])


def test_a_head_without_a_skull_cannot_be_smoothed_and_that_is_said_first(config, template):
    out = config.out.with_name("smoothed")
    with pytest.raises(InputError, match="no shape moves"):
        capture_take(replace(config, out=out, smooth="zero-lag"), CodedPredictor(template))
    assert not out.exists()
