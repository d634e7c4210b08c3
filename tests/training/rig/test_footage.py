"""Footage comes back as it was written, and truth lies in files of its own."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.rendering import Camera, look_at_camera
from mien_training.rig.footage import (
    FilmedView,
    Footage,
    ViewTruth,
    load_footage,
    save_footage,
)


def view(seed=0, count=3, width=6, height=4):
    rng = np.random.default_rng(seed)
    camera = look_at_camera(rng.normal(0, 1, 3) + [0, 0, 3], [0, 0, 0], 0.4, width, height)
    camera = Camera(camera.K, camera.camera_from_world, width, height, 0.1 * seed, -0.01)
    images = rng.integers(0, 256, (count, height, width, 3), np.uint8)
    return FilmedView(images, rng.random((count, height, width)) < 0.5, rng.random(count), camera)


def truth(seed=0, count=3):
    rng = np.random.default_rng(seed + 100)
    matrices = rng.normal(size=(count, 4, 4))
    return ViewTruth(0.01 * seed, rng.random((count, 2), np.float32), matrices)


@pytest.fixture
def footage():
    views = (view(0), view(1, 5, 8, 8))
    return Footage(views, (truth(0), truth(1, 5)), ("jawOpen", "eyeBlinkLeft"), 29.97)


def test_it_comes_back_as_it_was(footage, tmp_path):
    folder = save_footage(tmp_path / "take", footage)
    found = load_footage(folder)
    assert (found.shape_names, found.rate_hz) == (footage.shape_names, footage.rate_hz)
    for a, b in zip(found.views, footage.views, strict=True):
        for name in ("images", "masks", "times_s"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
            assert getattr(a, name).dtype == getattr(b, name).dtype
        for name in ("K", "camera_from_world", "width", "height", "k1", "k2"):
            np.testing.assert_array_equal(getattr(a.camera, name), getattr(b.camera, name))
    for a, b in zip(found.truth, footage.truth, strict=True):
        for name in ("offset_s", "weights", "world_from_head"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert [p.name for p in tmp_path.iterdir()] == ["take"]  # no draft is left


def test_what_a_fit_may_see_holds_no_truth(footage, tmp_path):
    folder = save_footage(tmp_path / "take", footage)
    with np.load(folder / "view_0.npz") as file:
        assert not {"weights", "world_from_head", "offset_s"} & set(file.files)


def test_a_folder_that_exists_is_left_alone(footage, tmp_path):
    (tmp_path / "take").mkdir()
    with pytest.raises(InputError, match="is there already"):
        save_footage(tmp_path / "take", footage)
    assert not list((tmp_path / "take").iterdir())


def test_a_place_that_cannot_be_written_is_named(footage, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        save_footage(tmp_path / "missing" / "take", footage)


def test_a_failure_leaves_nothing_behind(footage, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(InputError, match="No space left"):
        save_footage(tmp_path / "take", footage)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["footage.npz", "view_1.npz", "truth_0.npz"])
def test_damaged_and_missing_files_are_named(footage, tmp_path, name):
    path = save_footage(tmp_path / "take", footage) / name
    content = path.read_bytes()
    middle = len(content) // 2
    for damaged in (
        content[:40],
        b"",
        b"no archive",
        content[: middle - 20] + bytes(40) + content[middle + 20 :],
    ):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="take"):
            load_footage(path.parent)
    path.unlink()
    with pytest.raises(InputError, match="take"):
        load_footage(path.parent)


def test_arrays_that_do_not_fit_are_refused(footage):
    good, true = footage.views[0], footage.truth[0]
    for change in (
        {"images": good.images[:2]},
        {"images": good.images.astype(np.float32)},
        {"masks": good.masks[:, 1:]},
        {"masks": good.masks.astype(np.uint8)},
        {"times_s": good.times_s[:1]},
    ):
        with pytest.raises(InputError, match="FilmedView"):
            replace(good, **change)
    for change in ({"weights": true.weights[0]}, {"world_from_head": np.eye(4)}):
        with pytest.raises(InputError, match="ViewTruth"):
            replace(true, **change)
    for change in (
        {"views": ()},
        {"views": (), "truth": ()},
        {"truth": footage.truth[::-1]},
        {"shape_names": ("jawOpen",)},
    ):
        with pytest.raises(InputError, match="Footage"):
            replace(footage, **change)
