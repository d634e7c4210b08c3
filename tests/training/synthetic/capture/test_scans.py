"""Scans lie on what two cameras see, off by the noise asked for, with holes where needed."""

from dataclasses import replace

import numpy as np
import pytest

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.cameras import look_at_camera
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.synthetic.capture.line_of_sight import LinesOfSight
from mien_training.synthetic.capture.scans import ScanSpec, simulate_scan

EXACT = ScanSpec(points=4000, noise_m=0.0, darkest=0.0, outliers=0.0, normals_deg=0.0)


@pytest.fixture(scope="module")
def ball(sphere):
    return sphere(30, 48, radius=0.1)[:2]


@pytest.fixture(scope="module")
def cameras():
    return tuple(
        look_at_camera((np.sin(a), 0.1, np.cos(a)), (0, 0, 0), 0.3, 80, 80) for a in (-0.4, 0.4)
    )


@pytest.fixture(scope="module")
def images():
    return [np.full((80, 80, 3), 120, np.uint8)] * 2


@pytest.fixture
def scan(ball, cameras, images):
    def make(seed=1, looks=None, **changes):
        spec = replace(EXACT, **changes)
        return simulate_scan(
            spec, *ball, len(ball[1]), cameras, images if looks is None else looks, seed
        )

    return make


def test_without_noise_points_lie_on_the_surface_that_two_cameras_see(scan, ball, cameras):
    found = scan()
    near = nearest_on_surface(*ball, found.points)
    assert near.distance.max() < 1e-6
    assert (found.triangle >= 0).all()
    corners = ball[0][ball[1][found.triangle]]
    assert np.linalg.norm(corners - found.points[:, None], axis=2).min(1).max() < 0.03
    sight = LinesOfSight(*ball)
    seen = [sight.seen(found.points, found.normals, camera) for camera in cameras]
    assert np.mean(seen) > 0.999  # two cameras: both
    for camera in cameras:
        towards = camera.centre - found.points
        cosine = (towards * found.normals).sum(1) / np.linalg.norm(towards, axis=1)
        assert np.degrees(np.arccos(cosine.clip(-1, 1))).max() < EXACT.grazing_deg[1] + 0.5
    assert 200 < len(found.points) < 2000


def test_noise_is_along_the_line_of_sight_and_as_large_as_asked(scan, ball):
    still = scan()
    noisy = scan(noise_m=0.0004)
    np.testing.assert_array_equal(noisy.triangle, still.triangle)
    offset = noisy.points - still.points
    size = np.linalg.norm(offset, axis=1)
    ray = np.array([0, 0.1, 1.0])
    along = np.abs(offset @ ray) / np.linalg.norm(ray) / np.maximum(size, 1e-12)
    assert np.median(along) > 0.97
    assert size.max() < 3 * 0.0004 / 0.3 + 1e-6
    front = still.normals[:, 2] > 0.9
    assert size[front].std() < 0.0006 and 0.0002 < np.sqrt((size[front] ** 2).mean()) < 0.0006
    assert nearest_on_surface(*ball, noisy.points).distance.max() < size.max() + 1e-6


def test_neighbours_share_noise_where_it_is_correlated(scan):
    from scipy.spatial import cKDTree

    agreement = []
    for correlated in (0.0, 1.0):
        still, noisy = scan(), scan(noise_m=0.0003, correlated=correlated)
        z = (noisy.points - still.points)[:, 2]
        distance, near = cKDTree(still.points).query(still.points, k=2)
        close = distance[:, 1] < 0.002
        agreement.append(np.corrcoef(z[close], z[near[close, 1]])[0, 1])
    assert agreement[1] > 0.8 and abs(agreement[0]) < 0.25


def test_dark_places_have_holes(scan, images):
    dark = [image // 40 for image in images]
    assert len(scan(darkest=18.0).points) == len(scan().points)
    assert len(scan(looks=dark, darkest=18.0).points) == 0


def test_hair_is_thin(ball, cameras, images):
    """The same surface, once as the head and once as something else beside a small head."""
    kept = {}
    for share in (1.0, 0.2):
        spec = replace(EXACT, hair=share)
        half = len(ball[1]) // 2
        found = simulate_scan(spec, *ball, half, cameras, images, 1)
        kept[share] = (found.triangle >= half).mean()
    assert kept[0.2] < 0.5 * kept[1.0]


def test_outliers_are_marked_and_far_off(scan, ball):
    found = scan(outliers=0.3)
    bad = found.triangle < 0
    assert bad.mean() == pytest.approx(0.3, abs=0.05)
    distance = nearest_on_surface(*ball, found.points).distance
    assert distance[~bad].max() < 1e-6 < 1e-3 < np.median(distance[bad])


def test_normals_err_as_asked(scan, ball):
    every = vertex_normals(*ball)
    true = every[ball[1][scan().triangle]].mean(1)
    assert ((true * scan().normals).sum(1) > 0.98).all()
    bent = scan(normals_deg=8.0).normals
    angle = np.degrees(np.arccos((scan().normals * bent).sum(1).clip(-1, 1)))
    assert np.sqrt((angle**2).mean()) == pytest.approx(8 * np.sqrt(2), rel=0.15)
    np.testing.assert_allclose(np.linalg.norm(bent, axis=1), 1, atol=1e-5)


def test_one_camera_makes_no_scan_and_seeds_repeat(scan, ball, cameras, images):
    alone = simulate_scan(EXACT, *ball, len(ball[1]), cameras[:1], images[:1], 1)
    assert len(alone.points) == len(alone.triangle) == 0
    np.testing.assert_array_equal(scan(3, outliers=0.1).points, scan(3, outliers=0.1).points)
    assert not np.array_equal(scan(3).points[:50], scan(4).points[:50])


def test_the_scan_of_a_moment_lies_on_its_head(moment, anny):
    scan = moment.scan
    head = (scan.triangle >= 0) & (scan.triangle < len(anny.triangles))
    near = nearest_on_surface(moment.vertices, anny.triangles, scan.points[head])
    assert head.sum() > 100 and near.distance.max() < 3 * 0.0003 / 0.3 + 1e-5


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"points": -1}, "points"),
        ({"noise_m": float("nan")}, "noise_m"),
        ({"correlated": 1.5}, "correlated"),
        ({"hair": -0.1}, "hair"),
        ({"grazing_deg": (80.0, 60.0)}, "grazing_deg"),
        ({"darkest": 300.0}, "darkest"),
        ({"normals_deg": -1.0}, "normals_deg"),
    ],
)
def test_values_out_of_range_are_refused(changes, field):
    with pytest.raises(InputError, match=field):
        replace(ScanSpec(), **changes)
