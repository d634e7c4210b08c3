"""What is no skin goes with the skin."""

import numpy as np

from mien_training.capture.polish.carried_parts import carry_with_skin


def test_a_translation_takes_everything_along(anny):
    skin = np.zeros(len(anny.vertices), bool)
    skin[anny.triangles[anny.triangle_material == 0]] = True
    moved = carry_with_skin(anny, np.where(skin[:, None], [0.001, -0.002, 0.003], 0.0))
    np.testing.assert_allclose(moved, np.tile([[0.001, -0.002, 0.003]], (len(moved), 1)), atol=1e-7)


def test_eyes_move_as_wholes(anny):
    rng = np.random.default_rng(0)
    moved = carry_with_skin(anny, 1e-3 * rng.standard_normal(anny.vertices.shape))
    left = anny.regions["eyes"] & (anny.vertices[:, 0] > 0)
    assert np.ptp(moved[left], axis=0).max() < 1e-7 < np.abs(moved[left]).max()
