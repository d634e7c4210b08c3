"""One sheet of all shapes."""

import numpy as np
import pytest
from support.rig_scene import small_person

from mien.rig import Material
from mien_training.head import MATERIALS
from mien_training.reports.blendshape_sheet import blendshape_sheet
from mien_training.rig.coverage.shape_coverage import ShapeCoverage, verdict_colours

SIDE = 80


@pytest.fixture(scope="module")
def person():
    return small_person()


def cell(sheet, k, columns=3):
    label, gap = round(0.15 * SIDE), 2
    top = gap + k // columns * (SIDE + label + gap)
    left = gap + k % columns * (SIDE + gap)
    return sheet[top : top + SIDE, left : left + SIDE].astype(int)


def test_every_shape_has_a_cell_of_its_own(person):
    plain = tuple(Material(m, color=(0.5, 0.4, 0.3)) for m in MATERIALS)
    sheet = blendshape_sheet(person, plain, columns=3, side=SIDE)
    neutral = cell(sheet, 0)
    changed = [np.abs(cell(sheet, k) - neutral).max() for k in range(1, 6)]
    assert min(changed) > 10
    # mouthClose closes the mouth that jawOpen opens: dark inside against lips.
    opened, closed = (cell(sheet, k)[:, SIDE // 2].mean(1) for k in (2, 3))
    assert opened.min() < closed.min() or np.abs(opened - closed).max() > 20


def test_verdicts_are_dots(person):
    verdicts = [(1.0, 1.0), (0.0, 0.0), (0.5, 0.4)]
    coverage = [
        ShapeCoverage(n, peak, 0.0, 1.0, 1.0, None, evidence, "")
        for n, (peak, evidence) in zip(person.shape_names, verdicts, strict=False)
    ]
    dots = verdict_colours(coverage)
    sheet = blendshape_sheet(person, None, dots, columns=6, side=SIDE)
    assert len(set(dots.values())) == 3
    for colour in dots.values():
        assert (sheet == colour).all(-1).any()
