"""Numbers of pictures, scans and registrations belong together; what does not is named."""

import shutil

import pytest

from mien.errors import InputError
from mien_training.capture.scans.scan_folder import open_scan_folder


@pytest.fixture
def own(scan_folder, tmp_path):
    return shutil.copytree(scan_folder, tmp_path / "own")


def test_every_moment_has_its_files(scan_folder):
    found = open_scan_folder(scan_folder)
    assert len(found) == 3 and found.take.frames.tolist() == [7, 8, 9]
    assert [p.name for p in found.scans] == ["7.ply", "8.ply", "9.ply"]
    assert [p and p.name for p in found.registered] == [None, None, "9.npz"]
    digests = found.digests()
    assert {"cameras", "pictures of cam0", "scans/7.ply", "registered/9.npz"} <= set(digests)


def test_textures_of_scans_and_leading_zeros_are_fine(own):
    (own / "scans/7.ply").rename(own / "scans/0007.ply")
    shutil.copy(own / "cam0/0007.png", own / "scans/7.png")
    shutil.rmtree(own / "registered")
    found = open_scan_folder(own)
    assert found.scans[0].name == "0007.ply" and found.registered == (None, None, None)


def missing_scan(own):
    (own / "scans/8.ply").unlink()


def scan_without_pictures(own):
    shutil.copy(own / "scans/8.ply", own / "scans/10.ply")


def registration_without_pictures(own):
    (own / "registered/9.npz").rename(own / "registered/11.npz")


def two_of_one(own):
    shutil.copy(own / "scans/8.ply", own / "scans/08.ply")


def no_number(own):
    (own / "scans/8.ply").rename(own / "scans/smile.ply")


def no_cameras(own):
    (own / "cameras.json").unlink()


def no_scans(own):
    shutil.rmtree(own / "scans")


def one_camera(own):
    for name in ("cam1", "cam2", "cam3"):
        shutil.rmtree(own / name)


def one_moment(own):
    for path in own.glob("cam*/000[89].png"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (missing_scan, r"scans: no scan of 1 moments, the first is number 8"),
        (scan_without_pictures, r"10\.ply: no pictures of number 10"),
        (registration_without_pictures, r"registered/11\.npz: no pictures of number 11"),
        (two_of_one, r"8\.ply: 08\.ply is of moment 8, too"),
        (no_number, r"smile\.ply: expected the number of a moment"),
        (no_cameras, r"has no cameras\.json"),
        (no_scans, r"has no scans"),
        (one_camera, r"1 folders of pictures"),
        (one_moment, r"one moment, expected two"),
    ],
)
def test_what_does_not_fit_is_named(own, spoil, said):
    spoil(own)
    with pytest.raises(InputError, match=said):
        open_scan_folder(own)
    with pytest.raises(InputError, match="no such folder"):
        open_scan_folder(own / "none")
