"""Tiles show picture and mesh in one place, or the mesh alone."""

import numpy as np
import pytest
from support.captured_takes import ring_of_cameras

from mien_training.capture.report.moment_tiles import MomentTiles, front_camera, sheet_of

CAMERAS = ring_of_cameras(3, 64)
GREEN = [np.full((64, 64, 3), (0, 200, 0), np.uint8)] * 3
SIDE = 40


@pytest.fixture(scope="module")
def tiles(head_template):
    return MomentTiles(head_template, SIDE)


def test_the_mesh_lies_over_the_picture(tiles, head_template):
    pose = np.eye(4)
    pose[:3, 3] = (0, -0.1, 0)  # the ball stands where heads are above their origin
    shown = tiles.row(GREEN, CAMERAS, head_template.vertices, pose)
    assert [tile.shape for tile in shown] == [(2 * SIDE, SIDE, 3)] * 3
    for tile in shown:
        above, below = tile[:SIDE].astype(int), tile[SIDE:].astype(int)
        covered = (above != below).any(2)
        assert 0.1 < covered.mean() < 0.9
        filmed = above[covered]
        assert (filmed == (0, 200, 0)).all(1).mean() > 0.9
        assert np.abs(below[~covered] - above[~covered]).max() == 0


def test_pictures_that_may_not_be_shown(head_template):
    alone = MomentTiles(head_template, SIDE, show_pictures=False)
    for tile in alone.row(GREEN, CAMERAS, head_template.vertices, np.eye(4)):
        assert tile.shape == (SIDE, SIDE, 3)
        assert not ((tile[..., 1] == 200) & (tile[..., 0] == 0)).any()


def test_a_sheet_holds_all_tiles_in_rows():
    tiles = [np.full((30, 20, 3), 10 * n, np.uint8) for n in range(1, 6)]
    sheet = sheet_of(tiles, ["a"] * 5, columns=3)
    assert sheet.shape == (2 * 30 + 4, 3 * 20 + 8, 3)
    for n in range(5):
        row, column = n // 3 * 34, n % 3 * 24
        assert (sheet[row + 28, column + 10] == 10 * (n + 1)).all()


def test_the_camera_in_front():
    turned = np.eye(4)
    assert front_camera(CAMERAS, turned) == 1
    turned[:3, :3] = [[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]]  # to the left, towards camera 2
    assert front_camera(CAMERAS, turned) == 2
