"""Rays of maps pass through the places that the maps name."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.localisation import map_rays


def test_rays_pass_through_the_head(seen_head, true_rays, anny):
    from mien_training.geometry.nearest_surface import nearest_on_surface

    skin = anny.triangles[anny.triangle_material == 0]
    at = nearest_on_surface(anny.vertices, skin, true_rays.canonical)
    assert at.distance.max() < 1e-5
    corners = seen_head.vertices[skin[at.triangle]].astype(np.float64)
    weights = np.linalg.solve(
        anny.vertices[skin[at.triangle]].transpose(0, 2, 1).astype(np.float64),
        at.positions[..., None],
    )
    true = (corners * weights).sum(1)
    off = np.einsum("nij,nj->ni", true_rays.projectors, true - true_rays.origins)
    assert np.median(np.linalg.norm(off, axis=1)) < 1e-4


def test_no_view_depends_on_the_others(seen_head, true_rays):
    sure = seen_head.mask.astype(np.float32)
    two = map_rays(seen_head.cameras[1:3], seen_head.canonical[1:3], sure[1:3], 400)
    np.testing.assert_array_equal(two.pixels, true_rays.pixels[np.isin(true_rays.camera, (1, 2))])
    assert (np.bincount(true_rays.camera) <= 400).all()


def test_smaller_maps_are_those_of_larger_pixels(seen_head):
    camera = seen_head.cameras[0]
    coarse = np.zeros((camera.height // 4, camera.width // 4), np.float32)
    coarse[2, 3] = 1
    rays = map_rays([camera], [np.zeros((*coarse.shape, 3))], [coarse])
    np.testing.assert_allclose(rays.pixels, [[14, 10]])


@pytest.mark.parametrize("wrong", ["count", "shape", "size", "certain", "nan"])
def test_maps_that_do_not_fit_are_refused(seen_head, wrong):
    cameras, sure = seen_head.cameras[:2], seen_head.mask[:2].astype(np.float32)
    places = seen_head.canonical[:2].copy()
    if wrong == "count":
        cameras = cameras[:1]
    elif wrong == "shape":
        places = places[..., :2]
    elif wrong == "size":
        places, sure = places[:, :-3], sure[:, :-3]
    elif wrong == "certain":
        sure = 2 * sure
    else:
        places[1] = np.nan
    with pytest.raises(InputError, match="map_rays"):
        map_rays(cameras, places, sure)
