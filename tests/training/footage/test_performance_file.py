"""performance.npz: what is written comes back, and nothing else is taken for one."""

from dataclasses import fields, replace

import numpy as np
import pytest
from support.performances import small_performance

from mien.errors import InputError
from mien_training.cameras.lens import Lens, camera_with_lens
from mien_training.footage.performance_file import (
    PERFORMANCE_FILE,
    read_performance,
    write_performance,
)
from mien_training.runs.content_key import content_digest, file_digest

NAMES = ("jawOpen", "mouthSmileLeft")


@pytest.fixture
def run(tmp_path):
    """A rig run's folder, and the performance in it."""
    (tmp_path / "person.npz").write_bytes(b"somebody")
    performance = small_performance(NAMES, file_digest(tmp_path / "person.npz"))
    write_performance(tmp_path, performance)
    return tmp_path, performance


def test_a_round_trip_changes_nothing(run):
    folder, performance = run
    found = read_performance(folder)
    assert content_digest(found) == content_digest(performance)
    first = (folder / PERFORMANCE_FILE).read_bytes()
    write_performance(folder, found)
    assert (folder / PERFORMANCE_FILE).read_bytes() == first


def test_lenses_beyond_k1_and_k2_come_back(run):
    folder, performance = run
    first, second = performance.cameras
    lens = Lens(-0.2, 0.1, 0.01, 0.0, 0.3)
    bent = replace(
        first, crop=replace(first.crop, camera=camera_with_lens(first.crop.camera, lens))
    )
    performance = replace(performance, cameras=(bent, second))
    write_performance(folder, performance)
    found = read_performance(folder)
    assert content_digest(found) == content_digest(performance)
    assert found.cameras[0].crop.camera.lens == lens
    altered(folder, source_lens=np.zeros((2, 2)))
    with pytest.raises(InputError, match="field 'source_lens' has shape"):
        read_performance(folder)


def test_every_field_is_in_the_file(run):
    folder, performance = run
    with np.load(folder / PERFORMANCE_FILE) as file:
        kept = " ".join(file.files)
    for field in fields(performance):
        word = {"cameras": "source_K", "light": "light_harmonics"}.get(field.name, field.name)
        assert word in kept


def altered(folder, **changes):
    """Write the file again with some arrays replaced, or left out where None is given."""
    path = folder / PERFORMANCE_FILE
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    for name, value in changes.items():
        arrays.pop(name)
        if value is not None:
            arrays[name] = value
    np.savez(path, **arrays)


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match=r"performance\.npz: not there.*fit the rig again"):
        read_performance(tmp_path)


def test_damaged_bytes_are_refused(run):
    folder, _ = run
    whole = (folder / PERFORMANCE_FILE).read_bytes()
    for bad in (b"", b"no zip", whole[: len(whole) // 2]):
        (folder / PERFORMANCE_FILE).write_bytes(bad)
        with pytest.raises(InputError, match=r"performance\.npz: damaged"):
            read_performance(folder)


def test_pickles_are_not_opened(run):
    folder, _ = run
    altered(folder, frame=np.array([{"a": 1}], object))
    with pytest.raises(InputError, match=r"performance\.npz: damaged"):
        read_performance(folder)


@pytest.mark.parametrize("version", [None, np.array(0), np.array("1"), np.array([1, 1])])
def test_other_versions_are_refused(run, version):
    folder, _ = run
    altered(folder, format=version)
    with pytest.raises(InputError, match=r"performance\.npz: field 'format' is .*expected 1 or 2"):
        read_performance(folder)


NAN = np.full((6, 3), np.nan)
HOSTILE = {
    "weights": [np.zeros((6, 3), np.float32), np.full((6, 2), 1.5, np.float32), np.zeros((5, 2))],
    "frame": [np.zeros(6), -np.ones(6, np.int64), np.zeros((6, 1), np.int64)],
    "camera": [np.full(6, 2), np.full(6, -1), np.zeros(0, np.int64)],
    "translation": [NAN, np.full((6, 3), np.inf)],
    "rotation_xyzw": [np.zeros((6, 4)), np.ones((6, 4))],
    "lost": [np.zeros(6, np.int64), np.zeros(7, np.bool_)],
    "face_px": [np.zeros(6, np.float32)],
    "size": [np.array(0), np.array(3.5)],
    "source_sha256": [np.array(["a"]), np.zeros(2)],
    "source_names": [np.zeros(0, np.str_)],
    "source_camera_from_world": [2 * np.tile(np.eye(4), (2, 1, 1))],
    "crop_left_top_side": [np.zeros((2, 3))],
    "landmark_bias": [np.zeros((468, 3))],
    "shape_names": [np.array([1, 2]), np.array("jawOpen")],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in HOSTILE.items() for value in values]
)
def test_other_content_is_refused_by_field(run, name, value):
    folder, _ = run
    altered(folder, **{name: value})
    with pytest.raises(InputError, match=r"performance\.npz: field '\w+' .*expected"):
        read_performance(folder)


@pytest.mark.parametrize("name", ["weights", "light_gain", "source_K", "person_sha256"])
def test_missing_fields_are_named(run, name):
    folder, _ = run
    altered(folder, **{name: None})
    with pytest.raises(InputError, match=rf"performance\.npz: field '{name}' is missing"):
        read_performance(folder)


def test_cameras_that_are_none_are_refused(run):
    folder, _ = run
    altered(folder, source_width=np.zeros(2, np.int64))
    with pytest.raises(InputError, match=r"performance\.npz: Camera: image of 0 x 480"):
        read_performance(folder)


def test_another_persons_performance_is_refused(run):
    folder, _ = run
    (folder / "person.npz").write_bytes(b"somebody else")
    with pytest.raises(InputError, match=r"field 'person_sha256' is not that of the person\.npz"):
        read_performance(folder)


def test_a_folder_without_a_person_is_refused(run):
    folder, _ = run
    (folder / "person.npz").unlink()
    with pytest.raises(InputError, match=r"person\.npz: cannot be read"):
        read_performance(folder)
