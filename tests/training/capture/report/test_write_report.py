"""The page holds what it was given, and nothing that it was not."""

import numpy as np
import pytest
from support.captured import camera_residuals, captured_meshes

from mien_training.capture.report.write_report import ReportPictures, write_report


@pytest.fixture
def call(head_template, tmp_path):
    meshes = captured_meshes(4, len(head_template.vertices), ("", "two heads", "", ""))
    residuals = camera_residuals(4)
    tile = np.full((20, 20, 3), 90, np.uint8)
    pictures = ReportPictures({"best": (0, [tile] * 4), "worst": (1, [tile] * 4)}, [(0, tile)])
    return {
        "folder": tmp_path, "meshes": meshes, "residuals": residuals, "template": head_template,
        "pictures": pictures, "seconds": {"predicting": 2.0},
    }  # fmt: skip


def test_everything_is_on_the_page(call):
    text = write_report(**call).read_text()
    for words in ("best: frame 0", "worst: frame 1", "two heads", "0.50 s", "1.00 mm"):
        assert words in text
    assert text.count("<img") == 2 + 1 + 2


def test_it_says_when_pictures_are_left_out(call):
    assert "no pixel of them" in write_report(**call, show_frames=False).read_text()
    assert "no pixel of them" not in write_report(**call).read_text()
