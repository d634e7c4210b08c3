import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from support.packages import FEATURE_SIZE, FEATURES, tiny_animator, tiny_content

import mien
from mien.errors import InputError, MissingExtraError, PackageError
from mien.filters import OneEuroConfig
from mien.package import write_package
from mien.session import SessionOptions, step_many
from mien.tracker.features import subtract_neutral

NEUTRAL = np.random.default_rng(0).random(FEATURE_SIZE).astype(np.float32) * 0.1


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_package(tmp_path_factory.mktemp("package") / "sphere.mien", *tiny_content())


def make_take(count=40, seed=0):
    features = np.random.default_rng(seed).random((count, FEATURE_SIZE)).astype(np.float32)
    return features, np.arange(count) / 30


def test_a_character_knows_itself(path):
    character = mien.load(path)
    assert character.name == "Sphere" and character.manifest.licence == "CC0-1.0"
    assert character.layout.groups == FEATURES and character.layout.size == FEATURE_SIZE
    assert set(character.rig.shape_names) == set(character.channel_names)
    assert character.rig is character.rig and character.animator is character.animator


def test_file_folder_and_bytes_load_alike(path, tmp_path):
    shutil.unpack_archive(path, tmp_path / "folder", "zip")
    features, times = make_take(5)
    answers = [
        [mien.load(p).session(neutral=NEUTRAL).step(features[0], times[0]).channels]
        for p in (path, tmp_path / "folder", path.read_bytes())
    ]
    np.testing.assert_array_equal(answers[1], answers[0])
    np.testing.assert_array_equal(answers[2], answers[0])


def test_frame_by_frame_equals_all_at_once(path):
    character = mien.load(path)
    features, times = make_take(400)
    session = character.session(neutral=NEUTRAL)
    singles = [session.step(x, t).channels for x, t in zip(features, times, strict=True)]
    dt = np.diff(times, prepend=-1 / 30) * 30 - 1
    x = np.column_stack([subtract_neutral(features, NEUTRAL, character.layout), dt])
    animator = character.animator
    at_once, _ = animator.run(x[None].astype(np.float32), animator.initial_state())
    np.testing.assert_allclose(singles, at_once[0], atol=1e-6)


def test_sessions_share_the_network_and_nothing_else(path):
    character = mien.load(path)
    takes = [make_take(10, seed) for seed in range(3)]
    alone = []
    for features, times in takes:
        session = character.session(neutral=NEUTRAL)
        alone.append([session.step(x, t).channels for x, t in zip(features, times, strict=True)])
    sessions = [character.session(neutral=NEUTRAL) for _ in takes]
    for i in range(10):
        frames = step_many(sessions, [f[i] for f, _ in takes], [t[i] for _, t in takes])
        for frame, single in zip(frames, alone, strict=True):
            np.testing.assert_allclose(frame.channels, single[i], atol=1e-6)


def test_a_snapshot_moves_to_another_process_of_the_same_character(path):
    features, times = make_take(10)
    here, there = (mien.load(path).session(neutral=NEUTRAL) for _ in range(2))
    for x, t in zip(features[:5], times[:5], strict=True):
        here.step(x, t)
    there.restore(here.snapshot())
    for x, t in zip(features[5:], times[5:], strict=True):
        np.testing.assert_array_equal(there.step(x, t).channels, here.step(x, t).channels)


def test_options_reach_the_session(path):
    character = mien.load(path)
    session = character.session()
    assert session.options.smoothing is None and session.calibrating
    smoothing = OneEuroConfig(min_cutoff_hz=0.7)
    options = SessionOptions(smoothing=smoothing, calibration_frames=4)
    assert character.session(options=options).options == options
    with pytest.raises(InputError, match="neutral: expected 55"):
        character.session(neutral=np.zeros(3))


def test_unknown_features_are_refused_on_loading(tmp_path):
    manifest, files = tiny_content()
    odd = write_package(tmp_path / "odd.mien", replace(manifest, features=("gaze",)), files)
    with pytest.raises(PackageError, match=r"features: unknown feature groups \['gaze'\]"):
        mien.load(odd)
    size = write_package(tmp_path / "size.mien", replace(manifest, features=("scores",)), files)
    with pytest.raises(PackageError, match="feature_size is 55, its groups have 52"):
        mien.load(size)


def test_an_altered_network_is_refused(tmp_path, path):
    folder = tmp_path / "folder"
    shutil.unpack_archive(path, folder, "zip")
    other = tiny_animator(seed=1)
    (folder / "animator.onnx").write_bytes(other)
    with pytest.raises(PackageError, match=r"animator\.onnx"):
        mien.load(folder).session()


def test_a_network_that_is_not_the_manifests_is_refused(tmp_path, path):
    folder = tmp_path / "folder"
    shutil.unpack_archive(path, folder, "zip")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["models"]["animator.onnx"]["inputs"][1]["shape"] = [1, "batch", 5]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(PackageError, match=r"input 1 of the model is h0 float32\[1, batch, 4\]"):
        mien.load(folder).session()


def test_a_session_loads_neither_torch_nor_grpc(path):
    code = (
        "import sys, mien; mien.load(sys.argv[1]).session();"
        "print([m for m in ('torch', 'grpc', 'onnx', 'scipy', 'av', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_providers_and_threads_reach_every_network(path, monkeypatch):
    opened = []
    real = onnxruntime.InferenceSession

    def opening(model, options, providers, **rest):
        opened.append((providers, options.intra_op_num_threads))
        return real(model, options, providers=providers, **rest)

    monkeypatch.setattr(onnxruntime, "InferenceSession", opening)
    character = mien.load(path, providers="CPUExecutionProvider", threads=3)
    _ = character.animator
    assert opened == [(["CPUExecutionProvider"], 3)]
    character.drive([])  # makes the tracker
    assert opened == [(["CPUExecutionProvider"], 3)] * 4


def test_what_is_not_there_is_refused_on_loading(path):
    with pytest.raises(MissingExtraError, match=r"mien\[gpu\]"):
        mien.load(path, providers="cuda")
    with pytest.raises(InputError, match="provider 'tpu' is not available; expected 'cpu'"):
        mien.load(path, providers=("cpu", "tpu"))
    with pytest.raises(InputError, match="threads is 0"):
        mien.load(path, threads=0)
