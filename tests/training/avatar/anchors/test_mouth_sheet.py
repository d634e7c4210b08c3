"""Heads without a mouth's inside get a sheet that follows the lips."""

import numpy as np
import pytest

from mien.avatar import pose_anchors
from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.anchors.mouth_sheet import mouth_sheet


@pytest.fixture(scope="module")
def atlas(bare_face):
    return AnchorAtlas.of(bare_face)


def opened(template, amount):
    jaw = template.shape_names.index("jawOpen")
    return template.vertices + amount * template.shape_deltas[jaw]


def test_a_head_with_a_mouth_has_no_sheet(anny, head_template):
    assert mouth_sheet(anny) is None
    assert mouth_sheet(head_template) is None  # no hole between lips


def test_shares_sum_to_one_so_that_the_sheet_goes_with_the_head(bare_face):
    sheet = mouth_sheet(bare_face)
    np.testing.assert_allclose(sheet.weights.sum(1), 1, atol=1e-12)
    assert sheet.weights.min() >= 0
    moved = sheet.vertices(bare_face.vertices + np.float32([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(
        moved, sheet.vertices(bare_face.vertices) + (0.1, 0.2, 0.3), atol=1e-6
    )


def test_it_spans_the_open_mouth_behind_the_lips(bare_face):
    sheet = mouth_sheet(bare_face)
    closed, open_ = sheet.vertices(bare_face.vertices), sheet.vertices(opened(bare_face, 1))
    assert np.ptp(open_[:, 1]) > np.ptp(closed[:, 1]) + 0.01
    lips = bare_face.vertices[bare_face.regions["lips"]]
    assert np.ptp(closed[:, 0]) > 0.6 * np.ptp(lips[:, 0])
    assert closed[:, 2].min() < lips[:, 2].max() - 0.015
    p = open_[sheet.triangles]
    normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    assert (normal[:, 2] > 0).mean() > 0.95  # seen from in front


def test_the_atlas_gives_it_a_region_and_anchors_move_with_the_jaw(atlas, bare_face):
    anchors = atlas.anchors(128)
    on_sheet = atlas.group[anchors.triangle] == "mouthSheet"
    assert on_sheet.sum() > 200
    assert anchors.corners[on_sheet].min() >= len(bare_face.vertices)
    rest, moved = (pose_anchors(anchors, opened(bare_face, amount)).positions for amount in (0, 1))
    drop = (rest - moved)[on_sheet, 1]
    assert drop.max() > 0.01 and np.isfinite(moved).all()
