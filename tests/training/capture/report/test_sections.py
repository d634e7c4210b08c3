"""Curves and tables say what the arrays say."""

import re
from dataclasses import replace

import numpy as np
import pytest
from support.captured import camera_residuals, captured_meshes

from mien_training.capture.report.sections import (
    cameras_section,
    failures_section,
    mean_offsets,
    time_section,
    trust_section,
)


@pytest.fixture(scope="module")
def meshes(head_template):
    lost = ("", "lost <1>", "lost <1>", "", "gone", "")
    return captured_meshes(6, len(head_template.vertices), lost)


def cells(html):
    return re.findall(r"<td[^>]*>([^<]*)</td>", html)


def test_cameras_with_their_means(meshes):
    residuals = camera_residuals(6)
    off = np.where(residuals.camera == 0, 1.0, 0.0)[:, None] * np.array([3.0, -4.0])
    seen = (residuals.camera != 2) & ((residuals.camera != 1) | (residuals.moment == 0))
    fields = ("moment", "camera", "vertex", "point", "certainty")
    some = replace(
        residuals, pixel=(residuals.pixel - off).astype(np.float32)[seen],
        **{name: getattr(residuals, name)[seen] for name in fields},
    )  # fmt: skip
    html = cameras_section(meshes, some)
    found = cells(html)
    assert found[:5] == ["a.mp4", "+3.00", "-4.00", "5.00", "6"]
    assert found[5] == "b.mp4" and found[8:10] == ["0.00", "1"]
    assert found[10:15] == ["c.mp4", "-", "-", "-", "0"]
    assert html.count("<svg") == 4 and "nan" not in html


def test_means_are_over_moments_that_saw():
    offsets = np.full((3, 2, 2), np.nan)
    offsets[:2, 0] = [(1, 2), (3, 4)]
    found = mean_offsets(offsets)
    np.testing.assert_array_equal(found[0], (2, 3))
    assert np.isnan(found[1]).all()


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
