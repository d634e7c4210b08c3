"""Files are told apart by their content."""

import json

import pytest
from support.foreign_cameras import (
    LENSES,
    random_cameras,
    write_colmap,
    write_opencv,
    write_transforms,
)

from mien.errors import InputError
from mien_training.cameras.calibration import calibration_json
from mien_training.cameras.imports.formats import format_of, read_foreign

CAMERAS = random_cameras(LENSES["radial"])
KALIBR = "cam0: {camera_model: pinhole, intrinsics: [500, 500, 9, 9], resolution: [20, 20]}\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Format -> a file of it, whose name tells nothing."""
    folder = tmp_path_factory.mktemp("files")
    found = {name: folder / f"{name}.txt" for name in ("opencv", "kalibr", "transforms", "mien")}
    found["colmap"] = write_colmap(folder / "model", CAMERAS)
    write_opencv(found["opencv"], CAMERAS["left.png"])
    found["kalibr"].write_text(KALIBR)
    write_transforms(found["transforms"], CAMERAS)
    found["mien"].write_bytes(calibration_json(CAMERAS, 0.5))
    return found


@pytest.mark.parametrize("name", ["opencv", "kalibr", "transforms", "mien", "colmap"])
def test_every_format_is_found(files, name):
    assert format_of(files[name]) == name
    cameras, unit_m, kind = read_foreign([files[name]], None)
    assert kind == name and len(cameras) == (1 if name in ("opencv", "kalibr") else 4)
    assert unit_m == (0.5 if name == "mien" else None)
    assert read_foreign([files[name]], name)[2] == name


def test_colmaps_files_by_other_names(files, tmp_path):
    other = tmp_path / "list.txt"
    other.write_bytes((files["colmap"] / "cameras.txt").read_bytes())
    assert format_of(other) == "colmap"
    other.write_text("1 PINHOLE 640 480 500.0 500.0 320 240\n")
    assert format_of(other) == "colmap"


def test_a_format_that_is_named_is_what_is_read(files):
    with pytest.raises(InputError, match=r"mien\.txt: field 'frames' is missing"):
        read_foreign([files["mien"]], "transforms")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps({"poses": []}), "JSON without 'frames'.*expected one of colmap, opencv"),
        ("<?xml version='1.0'?><opencv_storage/>", "XML, expected OpenCV's cameras as YAML"),
        ("{", "not valid JSON"),
        ("just words", "expected a mapping"),
        ("\0\1", "not valid YAML"),
    ],
)
def test_what_is_no_format(tmp_path, content, message):
    path = tmp_path / "cal"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"cal: {message}"):
        format_of(path)


def test_files_that_are_missing_mixed_or_too_many(files, tmp_path):
    with pytest.raises(InputError, match="gone: cannot be read"):
        format_of(tmp_path / "gone")
    with pytest.raises(InputError, match=r"\(opencv\).*\(mien\): cameras of different tools"):
        read_foreign([files["opencv"], files["mien"]], None)
    with pytest.raises(InputError, match="2 files of transforms, expected one"):
        read_foreign([files["transforms"]] * 2, None)
    with pytest.raises(InputError, match="no file, expected at least one"):
        read_foreign([], None)
