"""Sightings from maps are where the vertices really are, and become a take's residuals."""

import numpy as np
import pytest

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.cameras import project
from mien_training.capture.localisation import crop_cameras
from mien_training.capture.trust import view_evidence
from mien_training.capture.trust.camera_sightings import (
    camera_residuals,
    map_pixels,
    moment_sightings,
    spread_vertices,
)


@pytest.fixture(scope="module")
def seen(seen_head, anny):
    """True maps of one moment, cropped, as sightings of 80 vertices."""
    centre = seen_head.vertices[anny.regions["skin"]].mean(0)
    crops = crop_cameras(seen_head.cameras, centre, 96)
    masks = [c.labels(m.astype(np.float32)) for c, m in zip(crops, seen_head.mask, strict=True)]
    maps = [c.labels(m) for c, m in zip(crops, seen_head.canonical, strict=True)]
    normals = vertex_normals(seen_head.vertices, anny.triangles)
    evidence = view_evidence(
        seen_head.vertices, normals, anny.triangles, [c.camera for c in crops], masks
    )
    return moment_sightings(
        crops, maps, masks, seen_head.vertices, evidence, spread_vertices(anny, 80),
        anny.vertices, most=30,
    )  # fmt: skip


def test_true_maps_show_vertices_where_they_are(seen, seen_head):
    assert len(seen.camera) > 40 and np.bincount(seen.camera).max() <= 30
    np.testing.assert_array_equal(seen.point, seen_head.vertices[seen.vertex])
    off = []
    for c, camera in enumerate(seen_head.cameras):
        own = seen.camera == c
        off.append(seen.pixel[own] - project(camera, seen.point[own])[0])
    off = np.linalg.norm(np.concatenate(off), axis=1)
    # A pixel of these images is 4 mm wide; labels were sampled twice.
    assert np.median(off) < 0.4 and np.quantile(off, 0.9) < 1.0


def test_a_take_of_them_is_what_cameras_are_checked_by(seen, seen_head):
    names = [f"{c}.mp4" for c in range(4)]
    residuals = camera_residuals(names, seen_head.cameras, [0.0, 0.1], [seen, seen])
    found = residuals.sightings()
    assert found.moments == 2 and len(found.camera) == 2 * len(seen.camera)
    assert len(found.points) == 2 * len(np.unique(seen.vertex))
    with pytest.raises(InputError, match="no moments"):
        camera_residuals(names, seen_head.cameras, [], [])


def test_planes_are_read_exactly_between_pixels():
    row, column = np.mgrid[:20, :20]
    maps = np.stack([0.003 * column, 0.002 * row, 0 * row], -1)
    wanted = np.array([[0.0205, 0.0171, 0.0], [0.03, 0.01, 0.0]])
    pixel, weight = map_pixels(maps, np.ones((20, 20)), wanted)
    exact = wanted[:, :2] / [0.003, 0.002] + 0.5
    np.testing.assert_allclose(pixel, exact, atol=0.15)
    assert (weight > 0.3).all()


def test_what_no_pixel_shows_is_nowhere():
    maps = np.zeros((20, 20, 3))
    pixel, weight = map_pixels(maps, np.ones((20, 20)), np.full((2, 3), 0.5))
    assert np.isnan(pixel).all() and not weight.any()
    for empty in (np.zeros((20, 20)), np.full((20, 20), np.nan)):
        pixel, _ = map_pixels(maps, empty, np.zeros((2, 3)))
        assert np.isnan(pixel).all()
    assert map_pixels(maps, np.ones((20, 20)), np.zeros((0, 3)))[0].shape == (0, 2)


def test_chosen_vertices_lie_apart_on_the_skin(anny):
    chosen = spread_vertices(anny, 40)
    assert anny.regions["skin"][chosen].all() and len(set(chosen.tolist())) == 40
    np.testing.assert_array_equal(spread_vertices(anny, 10), chosen[:10])
    at = anny.vertices[chosen]
    apart = np.linalg.norm(at[:, None] - at, axis=2)[~np.eye(40, dtype=bool)]
    assert apart.min() > 0.02
    with pytest.raises(InputError, match="count 0"):
        spread_vertices(anny, 0)


def test_nonsense_is_refused(seen_head, scene):
    evidence = view_evidence(*scene)
    with pytest.raises(InputError, match="0 crops"):
        moment_sightings([], [], [], scene[0], evidence, np.arange(3), scene[0])
    with pytest.raises(InputError, match="map_pixels"):
        map_pixels(np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((1, 3)))
