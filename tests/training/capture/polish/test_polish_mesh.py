"""Pictures that agree mend a mesh; pictures that do not leave it alone."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.polish import PolishConfig

pytestmark = pytest.mark.usefixtures("one_thread")


def test_errors_along_the_normal_shrink(scene, polished):
    before = scene.error_mm(scene.start)
    assert scene.error_mm(polished.unjudged) < 0.65 * before
    assert scene.error_mm(polished.vertices) < 0.75 * before
    assert polished.reason == "" and polished.left_out == ()
    assert polished.disagreement_after < polished.disagreement_before
    assert polished.kept.min() >= 0 and 0.3 < polished.kept[scene.judged].mean() <= 1


def test_the_truth_stays(scene):
    found = scene.polish(vertices=scene.truth)
    assert scene.error_mm(found.unjudged) < 0.3
    assert scene.error_mm(found.vertices) < 0.25
    assert 1e3 * np.abs(found.vertices - scene.truth).max() < 2


def test_the_order_of_views_changes_nothing(scene, polished):
    order = [3, 0, 4, 2, 1]
    turned = {
        name: [getattr(scene, name)[c] for c in order] for name in ("images", "cameras", "masks")
    }
    found = scene.polish(**turned)
    assert np.abs(found.vertices - polished.vertices).max() < 1e-6


def test_grey_pictures_do(scene):
    grey = [image[..., 1:2] for image in scene.images]
    assert scene.error_mm(scene.polish(images=grey).vertices) < 0.85 * scene.error_mm(scene.start)


def test_without_masks_what_the_head_hides_is_still_left_out(scene):
    assert scene.error_mm(scene.polish(masks=None).vertices) < 0.85 * scene.error_mm(scene.start)


def test_pictures_of_other_cameras_leave_the_mesh_alone(scene):
    mixed = [scene.images[c] for c in (2, 3, 4, 0, 1)]
    found = scene.polish(images=mixed)
    assert found.reason
    np.testing.assert_array_equal(found.vertices, scene.start.astype(np.float32))
    assert not found.kept.any()


def test_black_pictures_tell_nothing(scene):
    found = scene.polish(images=[0 * image for image in scene.images])
    assert "too few places" in found.reason and found.disagreement_before is None
    np.testing.assert_array_equal(found.vertices, scene.start.astype(np.float32))
    np.testing.assert_array_equal(found.unjudged, scene.start.astype(np.float32))


def test_a_camera_that_is_off_does_no_harm(scene, moved_camera):
    found = scene.polish(cameras=moved_camera)
    assert scene.error_mm(found.vertices) < scene.error_mm(scene.start)


def test_one_moment_late_is_not_much_worse_than_nothing(scene):
    """Two of five cameras saw the head 8 mm further aside."""
    late = []
    for c, camera in enumerate(scene.cameras):
        view = camera.camera_from_world.copy()
        view[:3, 3] += view[:3, :3] @ [0.008 * (c < 2), 0, 0]
        late.append(replace(camera, camera_from_world=view))
    found = scene.polish(cameras=late)
    assert scene.error_mm(found.vertices) < 1.1 * scene.error_mm(scene.start)


def test_nothing_goes_farther_than_is_believed(scene):
    config = PolishConfig(side=160, shrink=(2,), spacing_m=0.003, most_m=0.001, rounds=1)
    found = scene.polish(config=config)
    assert np.linalg.norm(found.vertices - scene.start, axis=1).max() < 0.0011


def test_progress_is_told(scene):
    told = []
    config = PolishConfig(side=64, shrink=(2, 1), steps=1, spacing_m=0.004, rounds=2)
    found = scene.polish(config=config, report=told.append)
    assert not found.reason
    assert [(p.done, p.total) for p in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_rounds_are_polishes_of_what_was_polished(scene):
    config = PolishConfig(side=160, shrink=(4, 2), steps=3, spacing_m=0.003, rounds=1)
    once = scene.polish(config=config)
    again = scene.polish(vertices=once.vertices, config=config)
    both = scene.polish(config=replace(config, rounds=2))
    np.testing.assert_array_equal(both.vertices, again.vertices)
    assert both.disagreement_before == once.disagreement_before
    assert scene.error_mm(both.vertices) < scene.error_mm(once.vertices)


def test_bad_input_is_named(scene):
    with pytest.raises(InputError, match="vertices"):
        scene.polish(vertices=scene.start[:5])
    with pytest.raises(InputError, match="5 cameras"):
        scene.polish(images=scene.images[:2])
    with pytest.raises(InputError, match="channels"):
        scene.polish(images=[scene.images[0][..., :1], *scene.images[1:]])
    with pytest.raises(InputError, match="uint8"):
        scene.polish(images=[image / 255 for image in scene.images])
    with pytest.raises(InputError, match="landmarks"):
        scene.polish(landmarks=np.zeros((5, 3, 2)))
    with pytest.raises(InputError, match="1 of 1 cameras"):
        scene.polish(images=scene.images[:1], cameras=scene.cameras[:1], masks=None)
    with pytest.raises(InputError, match="shape"):
        scene.polish(images=[image[:9] for image in scene.images])
