"""Cells of two sheets of shapes, one above the other: docs/figures/mouth_shapes.png.

python docs/figures/mouth_shapes.py BEFORE.png AFTER.png

Both as `mien_training.reports.blendshape_sheet.blendshape_sheet(person, side=400)` draws the 52
shapes of ARKit in eight columns, by two versions of mien.
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
    rows = []
    for path in sys.argv[1:3]:
        sheet = np.asarray(Image.open(path).convert("RGB"))
        rows.append(np.concatenate([cell(sheet, name) for name in SHOWN], 1))
    image = Image.fromarray(np.concatenate(rows))
    image.save(Path(__file__).parent / "mouth_shapes.png", optimize=True)


if __name__ == "__main__":
    main()
