"""A griffe extension: examples in docstrings (`>>>` lines) become code blocks of their page."""

from __future__ import annotations

import re
from typing import Any

import griffe

__all__ = ["DoctestBlocks", "fenced"]

_EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)


def fenced(text: str) -> str:
    """The docstring with every example, up to the next empty line, as a fenced block."""
    return _EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", text)


class DoctestBlocks(griffe.Extension):
    """Applied to every object that has a docstring."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring before it is rendered."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
