"""Frames beside the fit."""

import numpy as np
import pytest
from support.rig_scene import FRAMES, recorded_scene, small_person

from mien_training.rig.report.fitted_scene import FittedScene
from mien_training.rig.report.frame_overlays import RIG_COLOUR, TRACKER_COLOUR, draw_frames

ROWS = np.array([1, FRAMES + 3])


@pytest.fixture(scope="module")
def scene():
    filmed = recorded_scene(small_person(), (20, 90, 30))
    filmed.seen.points[:] += 4.0  # so that both contours are seen
    return FittedScene.of(filmed.person, filmed.seen, filmed.fit)


def near(image, colour):
    return (np.abs(image.astype(int) - colour) < 40).all(-1).any()


def test_footage_fit_and_both(scene):
    found = draw_frames(scene, ROWS, 120)
    assert [f.row for f in found] == ROWS.tolist()
    for frame in found:
        assert frame.image.shape == (120, 3 * 120 + 12, 3)
        left, both = frame.image[:90, :120], frame.image[:90, 252:]
        assert (left == (20, 90, 30)).all()
        assert near(both, TRACKER_COLOUR) and near(both, RIG_COLOUR)
        assert frame.landmark_px == pytest.approx(4 * np.sqrt(2), abs=0.5)


def test_without_footage_its_colours_are_nowhere(scene):
    for frame in draw_frames(scene, ROWS, 120, show_frames=False):
        assert frame.image.shape == (120, 2 * 120 + 6, 3)
        head = frame.image[:, :120].astype(int)
        greener = head[..., 1] - head[..., [0, 2]].max(-1)
        assert greener.max() < 20
        assert near(frame.image[:, 126:], TRACKER_COLOUR) and near(frame.image, RIG_COLOUR)
        assert head[30:60, 40:80].mean() > 60  # a head in clay
