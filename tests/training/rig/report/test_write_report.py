"""The report says everything about a fit, and nothing of footage that may not be shown."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image
from support.rig_scene import NAMES, recorded_scene, small_person

from mien.errors import InputError
from mien.rig import Material
from mien_training.head import MATERIALS
from mien_training.rig.coverage.shape_coverage import shape_coverage
from mien_training.rig.report.write_report import write_report

MAGENTA, GREEN = (255, 0, 255), (0, 255, 0)
ODD = 'smile <b>&"left"'


class Page(HTMLParser):
    """Checks that every tag is closed in its order; collects cells and text."""

    EMPTY = ("meta", "img", "br", "rect", "path", "polyline", "circle")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.links: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in self.EMPTY

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def pictures(page: Page) -> list[np.ndarray]:
    data = [link.split(",", 1)[1] for link in page.links]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(d))).convert("RGB")) for d in data]


def has(images, colour, tolerance=60) -> bool:
    """Any pixel of about this hue: what is dark in `colour` is dark, what is bright is bright."""
    return any((np.abs(i.astype(int) - colour) < tolerance).all(-1).any() for i in images)


@pytest.fixture(scope="module")
def filmed():
    person = replace(small_person(), name="eve <script>")
    filmed = recorded_scene(person, MAGENTA)
    with torch.no_grad():  # what was learnt from footage shows as well
        for texture in filmed.fit.model.appearance.textures:
            texture[:] = torch.tensor([0.0, 1.0, 0.0])[None, :, None, None]
    return filmed


@pytest.fixture(scope="module")
def metrics():
    return {
        "photometric": 0.0312, "seed": 7, "history": [1], "offsets_ms": [0.0, 4.0],
        "seconds": {"visible_points": 12.5}, "versions": {"torch<": "2.6"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def shown(filmed, metrics, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    green = tuple(Material(m, color=(0.0, 1.0, 0.0)) for m in MATERIALS)
    path = write_report(folder, filmed.person, filmed.seen, filmed.fit, metrics, green)
    return folder, Page(path.read_text())


def test_the_page_is_whole_and_needs_nothing_else(shown):
    folder, page = shown
    assert page.open == []
    assert sorted(p.name for p in folder.iterdir()) == ["report.html", "shapes.png"]
    assert all(re.match("data:image/(png|jpeg);base64,", link) for link in page.links)
    text = (folder / "report.html").read_text()
    assert "<script" not in text and not re.search(r"url\(|https?:|@import", text)


def test_every_shape_has_its_verdict(filmed, shown):
    _, page = shown
    verdict = {row[0]: row[1] for row in page.rows if len(row) == 8}
    assert [verdict[name] for name in NAMES] == [
        "unobserved", "observed", "unobserved", "partial", "observed",
    ]  # fmt: skip
    assert "Close both eyes" in page.text
    for name in NAMES:
        assert f'aria-label="{name}"' in (shown[0] / "report.html").read_text()


def test_numbers_are_listed(shown):
    _, page = shown
    assert ["2", "12", "96 x 96", "+4.0"] in page.rows
    for row in (["photometric", "0.0312"], ["seed", "7"], ["visible points", "12.5"]):
        assert row in page.rows
    assert ["torch<", "2.6"] in page.rows
    assert "held out" in page.text


def test_frames_and_learnt_colours_show_if_they_may(shown):
    folder, page = shown
    images = pictures(page)
    assert len(images) == 19  # six frames, the ten worst, errors, shapes, what is asked for
    for part in (images[:6], images[6:16]):
        assert has(part, MAGENTA) and has(part, GREEN, 70)
    assert has([np.asarray(Image.open(folder / "shapes.png"))], GREEN, 70)


def test_nothing_of_the_footage_shows_if_it_may_not(filmed, metrics, tmp_path):
    person = replace(filmed.person, shape_names=(ODD, *NAMES[1:]))
    green = tuple(Material(m, color=(0.0, 1.0, 0.0)) for m in MATERIALS)
    coverage = shape_coverage(
        person.shape_names, person.shape_deltas, filmed.fit.motion_at(filmed.seen).weights
    )
    path = write_report(
        tmp_path, person, filmed.seen, filmed.fit, metrics, green, coverage, show_frames=False
    )
    page = Page(path.read_text())
    images = [*pictures(page), np.asarray(Image.open(tmp_path / "shapes.png").convert("RGB"))]
    errors = images.pop(-4)
    assert len(images) == 19 and errors.shape[1] == 3 * 360  # colours of a scale, not of an image
    for image in images:
        assert not has([image], MAGENTA, 70) and not has([image], GREEN, 70)
    assert page.open == [] and ODD in [row[0] for row in page.rows]
    assert "eve <script>" in page.text and "<script" not in path.read_text()


def test_stills_are_not_judged_by_a_performance(filmed, tmp_path):
    seen = replace(filmed.seen, times_s=torch.zeros_like(filmed.seen.times_s))
    write_report(tmp_path, filmed.person, seen, filmed.fit)
    text = Page((tmp_path / "report.html").read_text()).text
    assert "Images of one moment show no performance" in text
    for absent in ("What to shoot again", "Weights over time", "shapes observed", "The dot is"):
        assert absent not in text


def test_a_coverage_of_other_shapes_is_refused(filmed, tmp_path):
    with pytest.raises(InputError, match="coverage"):
        write_report(tmp_path, filmed.person, filmed.seen, filmed.fit, coverage=[])
    assert not list(tmp_path.iterdir())
