"""`mien cameras import`: from any format to a file that the rest reads, and what it tells."""

import json

import numpy as np
import pytest
import tyro
from support.foreign_cameras import (
    LENSES,
    PICTURES,
    assert_same_views,
    random_cameras,
    write_colmap,
    write_opencv,
    write_transforms,
)

from mien.errors import InputError
from mien_training.cameras.calibration import calibration_json, read_calibration
from mien_training.cameras.camera import Camera
from mien_training.cameras.imports.command import ImportCamerasConfig, import_cameras, run
from mien_training.cameras.lens import Lens, LensCamera


def written(folder, kind, cameras):
    """Files of one format."""
    if kind == "colmap":
        return (write_colmap(folder / "sparse", cameras),)
    if kind == "opencv":
        return tuple(
            write_opencv(folder / f"{name[:-4]}.yml", camera) for name, camera in cameras.items()
        )
    if kind == "transforms":
        return (write_transforms(folder / "transforms.json", cameras),)
    path = folder / "own.json"
    path.write_bytes(calibration_json(cameras, None))
    return (path,)


@pytest.mark.parametrize("lens", ["radial", "five"])
@pytest.mark.parametrize("kind", ["colmap", "opencv", "transforms", "mien"])
def test_round_trip_of_every_format(tmp_path, kind, lens):
    cameras = random_cameras(LENSES[lens], 11)
    out = tmp_path / "cal.json"
    films = tuple(tmp_path / name for name in PICTURES)
    told = import_cameras(ImportCamerasConfig(written(tmp_path, kind, cameras), out, names=films))
    found = read_calibration(out)
    assert found.unit_m is None and f"4 cameras of {kind}, unit not known" in told[0]
    for name, camera in cameras.items():
        assert_same_views(found.cameras[name], camera)


def test_the_command_line(tmp_path, capsys):
    cameras = random_cameras(LENSES["none"], 2)
    model = write_colmap(tmp_path / "sparse", cameras)
    words = f"{model} --out {tmp_path / 'cal.json'} --unit-m 0.001 --names x/top.mp4 left.png"
    assert run(tyro.cli(ImportCamerasConfig, args=words.split())) == 0
    told = capsys.readouterr().out
    assert "2 cameras of colmap, unit 0.001 m" in told and "2 other pictures" in told
    assert "top.mp4" in told and "no distortion" in told
    found = read_calibration(tmp_path / "cal.json")
    assert list(found.cameras) == ["top.mp4", "left.png"] and found.unit_m == 0.001
    shift = cameras["top.png"].camera_from_world[:3, 3] * 0.001
    np.testing.assert_allclose(found.cameras["top.mp4"].camera_from_world[:3, 3], shift)


@pytest.mark.parametrize(
    ("lens", "kind", "message"),
    [
        (Lens(-0.05, 0.01, k3=1e-3), Camera, "k1 and k2 for 3 terms of distortion, within "),
        (Lens(-0.2, 0.1, 0.01), LensCamera, "3 terms of distortion, removed when pictures"),
        (Lens(-0.2, 0.1), Camera, "k1 and k2 as given"),
    ],
)
def test_lenses_are_simplified_where_nobody_sees_it(tmp_path, lens, kind, message):
    cameras = random_cameras(lens, 4)
    config = ImportCamerasConfig(written(tmp_path, "colmap", cameras), tmp_path / "cal.json")
    told = import_cameras(config)
    assert all(message in line for line in told[1:5])
    assert {type(one) for one in read_calibration(config.out).cameras.values()} == {kind}


def test_own_files_keep_unit_and_masks_unless_told_otherwise(tmp_path):
    cameras = random_cameras(LENSES["radial"])
    (tmp_path / "a").mkdir()
    path = tmp_path / "a/own.json"
    path.write_bytes(calibration_json(cameras, 0.01, {"left.png": "m.png"}))
    import_cameras(ImportCamerasConfig((path,), tmp_path / "cal.json"))
    found = read_calibration(tmp_path / "cal.json")
    assert found.unit_m == 0.01 and found.masks["left.png"] == tmp_path / "a/m.png"
    told = import_cameras(ImportCamerasConfig((path,), tmp_path / "cal.json", unit_m=1.0))
    metres = read_calibration(tmp_path / "cal.json").cameras["top.png"].centre
    np.testing.assert_allclose(metres, cameras["top.png"].centre)
    assert "apart" in told[-1] and " m " in told[-1]


def test_folders_are_told_from_films(tmp_path):
    paths = written(tmp_path, "opencv", random_cameras(LENSES["none"]))
    told = import_cameras(ImportCamerasConfig(paths, tmp_path / "cal.json"))
    assert "for films give --names" in told[-1]
    assert list(read_calibration(tmp_path / "cal.json").cameras) == [n[:-4] for n in PICTURES]


@pytest.mark.parametrize("unit_m", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_units_of_no_length(tmp_path, unit_m):
    with pytest.raises(InputError, match=f"unit_m is {unit_m}, expected metres"):
        ImportCamerasConfig((tmp_path,), tmp_path / "cal.json", unit_m=unit_m)


def test_a_refusal_leaves_no_file(tmp_path):
    model = write_colmap(tmp_path / "sparse", random_cameras(LENSES["none"]))
    out = tmp_path / "cal.json"
    with pytest.raises(InputError, match=r"no camera for 'me\.mp4'"):
        import_cameras(ImportCamerasConfig((model,), out, names=(tmp_path / "me.mp4",)))
    assert not out.exists()
    with pytest.raises(InputError, match="cannot be written"):
        import_cameras(ImportCamerasConfig((model,), tmp_path / "no/cal.json"))


def test_more_cameras_than_a_rig_has(tmp_path):
    frames = [
        {"file_path": f"{n}.png", "transform_matrix": np.eye(4).tolist()} for n in range(1001)
    ]
    path = tmp_path / "transforms.json"
    path.write_text(json.dumps({"w": 10, "h": 10, "fl_x": 10, "frames": frames}))
    with pytest.raises(InputError, match="1001 cameras, expected at most 1000; --names chooses"):
        import_cameras(ImportCamerasConfig((path,), tmp_path / "cal.json"))
