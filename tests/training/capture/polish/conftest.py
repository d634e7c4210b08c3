"""What the pictures make of a prediction that is a little wrong."""

from dataclasses import replace

import numpy as np
import pytest


@pytest.fixture(scope="session")
def polished(scene):
    return scene.polish()


@pytest.fixture(scope="session")
def crops(scene):
    """Of the scene, in colour."""
    from mien_training.capture.polish.picture_levels import crop_pictures
    from mien_training.geometry.alignment import fit_alignment

    pose = fit_alignment(scene.template.vertices, scene.truth)
    world_from_head = np.eye(4)
    world_from_head[:3, :3], world_from_head[:3, 3] = pose.rotation, pose.translation
    return crop_pictures(scene.images, scene.cameras, scene.masks, world_from_head, 320)


@pytest.fixture(scope="session")
def prior(anny):
    from mien_training.capture.polish.smooth_offset import SmoothOffset

    return SmoothOffset(anny, 0.0015, 0.010)


@pytest.fixture(scope="session")
def moved_camera(scene):
    """The cameras, one of them wrong by 6 pixels."""
    K = scene.cameras[1].K.copy()
    K[0, 2] += 6
    return (scene.cameras[0], replace(scene.cameras[1], K=K), *scene.cameras[2:])
