"""One haired person, small, for all tests of the truth."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def somebody():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.synthetic.avatar import AvatarTruth
    from mien_training.synthetic.hair import HairStyle
    from mien_training.templates import load_template

    style = HairStyle.named("bob", 2, 1200)
    return AvatarTruth.make(load_template("anny"), 2, style, age=0.9, texture_side=256)


@pytest.fixture(scope="session")
def cameras(somebody):
    from mien_training.cameras import look_at_camera

    v = somebody.neutral
    middle = np.array([0.0, 0.5 * (v[:, 1].min() + v[:, 1].max()), 0.03])
    return tuple(
        look_at_camera(middle + (np.sin(yaw), 0, np.cos(yaw)), middle, 0.32, 128, 128)
        for yaw in (0.0, 0.4, -0.4)
    )


@pytest.fixture(scope="session")
def weights(somebody):
    rows = np.zeros((3, len(somebody.shape_names)), np.float32)
    for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight", "jawOpen"):
        rows[1, somebody.shape_names.index(name)] = 0.9
    for name in ("mouthSmileLeft", "mouthSmileRight", "browDownLeft", "browDownRight"):
        rows[2, somebody.shape_names.index(name)] = 0.9
    return rows


@pytest.fixture(scope="session")
def frames(somebody, cameras, weights):
    angles = np.array([(0, 0, 0), (0.2, 0.05, 0), (-0.1, 0, 0.1)], np.float64)
    return somebody.perform(weights, angles, cameras)
