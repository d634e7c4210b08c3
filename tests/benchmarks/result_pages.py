"""Where benchmarks leave their figures, and how their pages are written again without measuring."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from mien_training.metrics.tables import Page, render_results

__all__ = ["RESULTS", "only_rendered"]

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def only_rendered(pages: Mapping[str, Page]) -> bool:
    """Whether the call was `SCRIPT --render`; if so, the pages are written from their records."""
    if sys.argv[1:] != ["--render"]:
        return False
    for name, page in pages.items():
        render_results(RESULTS, name, page)
    return True
