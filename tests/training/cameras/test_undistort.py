"""Images of a camera with lens distortion become those of one without."""

import numpy as np

from mien_training.cameras.camera import Camera, project
from mien_training.cameras.undistort import lens_map, undistort


def test_undistorting_puts_points_where_a_pinhole_sees_them():
    K = np.array([[220.0, 0.0, 100.0], [0.0, 220.0, 100.0], [0.0, 0.0, 1.0]])
    plain = Camera(K, np.eye(4), 200, 200)
    bent = Camera(plain.K, plain.camera_from_world, 200, 200, k1=-0.2, k2=0.05)
    point = np.array([[0.25, -0.15, 1.0]])
    (x, y), (u, v) = project(bent, point)[0][0], project(plain, point)[0][0]
    rows, columns = np.mgrid[:200, :200] + 0.5
    spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
    image = np.repeat(spot[..., None], 3, 2).astype(np.uint8)
    straight = undistort(image, lens_map(bent)).astype(float)[..., 0]
    found = [(straight * g).sum() / straight.sum() for g in (columns, rows)]
    np.testing.assert_allclose(found, [u, v], atol=0.2)
    assert undistort(image, lens_map(plain)) is image
