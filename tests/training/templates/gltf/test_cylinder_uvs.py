"""A label around an upright body covers it once, with its seam at the back."""

import numpy as np

from mien_training.templates.gltf.cylinder_uvs import cylinder_uvs


def test_a_sphere_is_wound_around_once(sphere):
    vertices, triangles = (np.asarray(a) for a in sphere(12, 24)[:2])
    uvs, around = cylinder_uvs(vertices.astype(float), triangles)
    assert around.shape == triangles.shape and len(uvs) > len(vertices)
    poles = np.isin(triangles, (0, len(vertices) - 1)).any(1)
    assert np.ptp(uvs[around[~poles], 0], axis=1).max() < 0.1  # none runs round the front
    same = around < len(vertices)
    np.testing.assert_array_equal(around[same], triangles[same])
    front = vertices[:, 2] > 0.9 * vertices[:, 2].max()
    assert np.abs(uvs[: len(vertices)][front, 0] - 0.5).max() < 0.25
    left = vertices[:, 0] > 0.9 * vertices[:, 0].max()
    assert (uvs[: len(vertices)][left, 0] > 0.6).all()  # the character's left, the image's right
    np.testing.assert_allclose(np.ptp(uvs[:, 1]), np.ptp(vertices[:, 1]))
