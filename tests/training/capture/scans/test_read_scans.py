"""Moments are read once; scans elsewhere, of another unit or empty are named."""

import shutil

import numpy as np
import pytest
from support.scan_folders import write_scan

from mien.errors import InputError
from mien_training.capture.learning.scan_reading import ScanReading
from mien_training.capture.scans.read_scans import read_scans
from mien_training.capture.scans.scan_folder import open_scan_folder
from mien_training.footage.scanned.registered_mesh import write_registered


@pytest.fixture(scope="module")
def read(young_net, scan_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("read")
    return out, read_scans(young_net, open_scan_folder(scan_folder), out)


def test_moments_hold_scan_and_registration(read, young_net, seen_head):
    _, found = read
    assert [p.name for p in found.paths] == ["7.npz", "8.npz", "9.npz"] and found.lost == ()
    bare, known = (ScanReading.read(found.paths[n]) for n in (0, 2))
    assert bare.reference is None and known.reference.shape == seen_head.vertices.shape
    pose = known.reading.world_from_head
    back = known.reference @ pose[:3, :3].T + pose[:3, 3]
    np.testing.assert_allclose(back, seen_head.vertices, atol=1e-5)
    assert len(bare.points) == len(bare.normals) > 200
    assert bare.places.shape == (len(young_net.linear.chosen), 3)
    sight = bare.sight
    assert len(sight.certainty) > 10
    places = (bare.reading.start[sight.corners] * sight.shares[..., None]).sum(1)
    off = np.cross(places - sight.origins, sight.directions)
    assert np.median(np.linalg.norm(off, axis=1)) < 0.01


def test_it_is_kept_whole(read, tmp_path):
    one = ScanReading.read(read[1].paths[0])
    one.write(tmp_path / "again.npz")
    two = ScanReading.read(tmp_path / "again.npz")
    np.testing.assert_array_equal(one.sight.corners, two.sight.corners)
    np.testing.assert_array_equal(one.reading.maps, two.reading.maps)
    np.testing.assert_array_equal(one.points, two.points)


def test_what_is_there_is_not_read_again(read, young_net, scan_folder):
    out, found = read
    before = [p.stat().st_mtime_ns for p in found.paths]
    assert read_scans(young_net, open_scan_folder(scan_folder), out) == found
    assert [p.stat().st_mtime_ns for p in found.paths] == before


def far(own, moment, template):
    write_scan(own / "scans/7.ply", moment.vertices + [0, 0, 0.5], template.triangles)


def millimetres(own, moment, template):
    write_scan(own / "scans/7.ply", 1000 * moment.vertices, template.triangles)


def empty(own, moment, template):
    write_scan(own / "scans/7.ply", moment.vertices[:3], [[0, 1, 1]])


def elsewhere(own, moment, template):
    (own / "registered/9.npz").rename(own / "registered/7.npz")
    write_registered(own / "registered/7.npz", template, moment.vertices + [0, 0, 0.5])


def other_topology(own, moment, template):
    (own / "registered/9.npz").unlink()
    np.savez(own / "registered/7.npz", vertices=moment.vertices[:-1])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (far, r"scans/7\.ply: 0\.\d+ m from the face .* world and unit"),
        (millimetres, r"scans/7\.ply: .* m from the face .* world and unit"),
        (empty, r"scans/7\.ply: 0 points"),
        (elsewhere, r"registration .*7\.npz: 0\.\d+ m from the face"),
        (other_topology, r"registered/7\.npz: vertices .* topology"),
    ],
)
def test_what_does_not_fit_is_named(scan_folder, seen_head, anny, young_net, tmp_path, spoil, said):
    own = shutil.copytree(scan_folder, tmp_path / "own")
    spoil(own, seen_head, anny)
    with pytest.raises(InputError, match=said):
        read_scans(young_net, open_scan_folder(own), tmp_path / "read")
