"""Units of splat files: there and back."""

import numpy as np
from support.clouds import random_cloud

from mien.avatar import Splats
from mien_exporters.avatar.splat_units import (
    colour_from_sh,
    logit,
    sh_from_colour,
    sigmoid,
    unit_rotations,
)


def test_colours_come_back():
    colours = np.linspace(-0.5, 1.5, 50, dtype=np.float32)
    assert np.abs(colour_from_sh(sh_from_colour(colours)) - colours).max() < 2e-7


def test_opacities_come_back_and_their_ends_stay_finite():
    opacities = np.linspace(0, 1, 50, dtype=np.float32)
    assert np.isfinite(logit(opacities)).all()
    assert np.abs(sigmoid(logit(opacities)) - opacities).max() < 2e-6
    assert sigmoid(np.array([-1e30, 1e30])).tolist() == [0, 1]


def test_rotations_have_length_1_and_none_is_none():
    cloud = random_cloud(5)
    rotations = cloud.rotations.copy()
    rotations[2] = 0
    q = unit_rotations(Splats(cloud.means, rotations, cloud.scales, cloud.opacities, cloud.colours))
    assert np.allclose(np.linalg.norm(q, axis=1), 1)
    assert q[2].tolist() == [0, 0, 0, 1]
