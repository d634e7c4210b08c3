"""The page shows the film only where it may."""

from dataclasses import replace
from html import unescape

import numpy as np

from mien_training.avatar.avatar_report import write_avatar_report

HISTORY = [
    {"step": 5.0, "loss": 0.2, "error": 0.1}, {"step": 9.0, "loss": 0.1, "error": 0.09},
]  # fmt: skip
METRICS = {
    "frames": 12, "mattes": "plate",
    "advice": ["Turn the head right: 3 degrees were filmed."],
    "held_out": {
        "splats": {"head": 31.25, "alpha": 0.0123}, "volume": {"head": 28.75, "alpha": 0.0345},
        "mean image": {"head": 20.0},
    },
    "splats": {
        "gaussians": 345, "bake_loss_db": 0.25, "steps": 40, "wall_s": 61.0, "cpu_s": 58.0,
        "history": HISTORY,
    },
    "volume": {"steps": 70, "wall_s": 91.0, "cpu_s": 88.0, "history": HISTORY},
}  # fmt: skip


def draw(frame):
    return np.zeros((64, 64, 4), np.float32)


def test_figures_are_on_the_page(ball_film, tmp_path):
    draws = {"splats": draw, "volume": draw}
    path = write_avatar_report(tmp_path, ball_film, draws, METRICS, True)
    text = path.read_text()
    assert path == tmp_path / "report.html"
    for words in ("spheres", "31.2 dB", "0.25 dB", "0.0123", "345", "mean image", "was filmed",
                  "28.8 dB", "0.0345", "70 steps, 91 s", "loss, volume",
                  "Turn the head right", "plate"):  # fmt: skip
        assert words in text


def test_one_kind_alone_has_a_page(ball_film, tmp_path):
    text = write_avatar_report(tmp_path, ball_film, {"volume": draw}, METRICS, True).read_text()
    assert "28.8 dB" in text and "Gaussians" not in text and "loss, splats" not in text


def test_the_film_is_kept_out_when_asked_to(ball_film, tmp_path):
    pages = []
    for shown in (True, False):
        (tmp_path / str(shown)).mkdir()
        draws = {"splats": draw}
        page = write_avatar_report(tmp_path / str(shown), ball_film, draws, METRICS, shown)
        pages.append(unescape(page.read_text()))
    assert "Above the film" in pages[0] and "Above the film" not in pages[1]
    assert "the film's own frames" in pages[0] and "the film's own frames" not in pages[1]
    assert all("The avatar's pictures are made by the mien SDK" in page for page in pages)
    assert len(pages[1]) < len(pages[0])
    other = ball_film.images.copy()
    other[:] = 7
    again = write_avatar_report(tmp_path, replace(ball_film, images=other), draws, METRICS, False)
    assert unescape(again.read_text()) == pages[1]  # no pixel of the film is in it
