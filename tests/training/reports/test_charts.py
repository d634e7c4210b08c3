"""Curves as SVG."""

import re
from xml.etree import ElementTree

import numpy as np

from mien_training.reports.charts import camera_key, history_charts, line_chart, weight_charts


def test_a_chart_is_well_formed_and_to_scale():
    text = line_chart("a < b", [0, 1, 2], [0.0, 1.0, 0.5], (300, 130), (0, 2), (0, 1), unit=" s")
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == "a < b"
    line = next(e for e in root if e.get("class") == "line").get("points")
    x, y = np.array([p.split(",") for p in line.split()], float).T
    plot = next(e for e in root if e.get("class") == "plot")
    left, top, width, height = (float(plot.get(k)) for k in ("x", "y", "width", "height"))
    np.testing.assert_allclose(x, left + width * np.array([0, 0.5, 1]), atol=0.1)
    np.testing.assert_allclose(y, top + height * np.array([1, 0, 0.5]), atol=0.1)
    ticks = [e.text for e in root if e.get("class") == "tick x"]
    assert ticks[0] == "0 s" and ticks[-1] == "2 s"


def test_the_most_active_are_large_with_a_dot_per_frame_of_each_camera():
    weights = np.zeros((6, 4), np.float32)
    weights[:, 2], weights[:, 0] = 0.9, 0.5
    camera = np.repeat([0, 1], 3)
    text = weight_charts(list("abcd"), weights, np.arange(6) / 30, camera, large=2)
    ElementTree.fromstring(f"<div>{text}</div>")
    labels = re.findall('aria-label="(.)"', text)
    assert labels == ["c", "a", "b", "d"]
    assert text.count('class="dot0"') == text.count('class="dot1"') == 2 * 3
    assert "camera 2" in text


def test_one_camera_needs_no_key():
    assert camera_key(1) == "" and "camera 3" in camera_key(3)
    text = weight_charts(["a"], np.zeros((2, 1), np.float32), np.arange(2.0), np.zeros(2, int))
    assert "circle" not in text


def test_a_chart_per_figure_and_none_without_checks():
    history = [{"round": 1.0, "held_out": 2.0}, {"round": 2.0, "held_out": float("nan")}]
    text = history_charts(history)
    ElementTree.fromstring(text)
    assert text.count("<svg") == 1 and "held out" in text
    assert "<svg" not in history_charts([])
