"""Curves and tables say what the arrays say."""

import re

import numpy as np
import pytest
from support.captured import captured_meshes

from mien_training.capture.report.sections import (
    cameras_section,
    failures_section,
    time_section,
    trust_section,
)
from mien_training.footage.captured import CameraResiduals


@pytest.fixture(scope="module")
def meshes(head_template):
    lost = ("", "lost <1>", "lost <1>", "", "gone", "")
    return captured_meshes(6, len(head_template.vertices), lost)


def cells(html):
    return re.findall(r"<td[^>]*>([^<]*)</td>", html)


def test_cameras_with_their_means(meshes):
    residual = np.zeros((6, 3, 2), np.float32)
    residual[:, 0] = (3, -4)
    residual[1:, 1] = np.nan
    residual[:, 2] = np.nan
    html = cameras_section(meshes, CameraResiduals(("a", "b", "c"), meshes.frame, residual))
    assert cells(html) == [
        "a", "+3.00", "-4.00", "5.00", "6", "b", "+0.00", "+0.00", "0.00", "1",
        "c", "-", "-", "-", "0",
    ]  # fmt: skip
    assert html.count("<svg") == 3 and "nan" not in html


def test_failures_by_reason(meshes):
    html = failures_section(meshes)
    assert cells(html) == ["lost &lt;1&gt;", "2", "1", "gone", "1", "4"]
    assert "None." in failures_section(meshes.take(np.array([0, 3])))


def test_time_adds_up():
    html = time_section({"reading": 1.0, "predicting": 3.0}, 4)
    assert cells(html)[-4:] == ["together", "4.0", "1000", ""]
    assert cells(html)[:4] == ["reading", "1.0", "250", "25 %"]


def test_maps_of_what_was_seen(meshes, head_template):
    html = trust_section(meshes, head_template)
    assert html.count("<img") == 2 and "expected error" in html
    unseen = meshes.take(slice(None))
    unseen.views[:] = 0
    assert trust_section(unseen, head_template).count("<img") == 2
