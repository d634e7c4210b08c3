"""Cells of two sheets of shapes, one above the other.

python docs/figures/shape_rows.py ABOVE.png BELOW.png OUT.png [SHAPE ...]

Both as `mien_training.reports.blendshape_sheet.blendshape_sheet(person, side=400)` draws the 52
shapes of ARKit in eight columns: docs/figures/mouth_shapes.png is of two versions of mien on the
same footage, docs/figures/quick_shapes.png of one version with --quick (above) and without.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from mien.channels import ARKIT_CHANNELS

SIDE, COLUMNS = 400, 8
GAP, LABEL = 10, 60
SHOWN = ("neutral", "mouthClose", "mouthFunnel", "mouthUpperUpLeft", "tongueOut")


def cell(sheet: np.ndarray, name: str) -> np.ndarray:
    """(SIDE + LABEL, SIDE, 3) of one shape, its name below."""
    k = ("neutral", *ARKIT_CHANNELS).index(name)
    left = GAP + k % COLUMNS * (SIDE + GAP)
    top = GAP + k // COLUMNS * (SIDE + LABEL + GAP)
    return sheet[top : top + SIDE + LABEL, left : left + SIDE]


def main() -> None:
    above, below, out, *shown = sys.argv[1:]
    rows = []
    for path in (above, below):
        sheet = np.asarray(Image.open(path).convert("RGB"))
        rows.append(np.concatenate([cell(sheet, name) for name in shown or SHOWN], 1))
    Image.fromarray(np.concatenate(rows)).save(Path(out), optimize=True)


if __name__ == "__main__":
    main()
