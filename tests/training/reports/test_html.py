"""The page's parts escape what they are given."""

import base64
import re
from html.parser import HTMLParser

from mien_training.reports.html import cards, figure, page, section, table

EVIL = '<script>alert("&")</script>'


def read(text: str) -> str:
    """The words that a reader sees."""
    found = []
    parser = HTMLParser()
    parser.handle_data = found.append
    parser.feed(text)
    return "".join(found)


def test_words_are_words():
    parts = [
        cards([(EVIL, EVIL)]), section(EVIL, note=EVIL), figure(b"png", EVIL, EVIL),
        table((EVIL, "b"), [(EVIL, EVIL)], marked=1),
    ]  # fmt: skip
    whole = page(EVIL, EVIL, parts)
    assert "<script" not in whole
    assert read(whole).count(EVIL) == 2 + 2 + 2 + 1 + 3 + 1  # title twice: head and heading


def test_a_figure_carries_its_picture():
    data = re.search(r"base64,([^\"]*)", figure(b"\x89PNG", "x"))
    assert base64.b64decode(data[1]) == b"\x89PNG"
    assert "data:image/png;" in figure(b"\x89PNG", "x")
    assert "data:image/jpeg;" in figure(b"\xff\xd8\xff", "x")


def test_marked_and_numeric_cells():
    text = table(("name", "verdict", "n"), [("a", "partial", "3")], numbers=(2,), marked=1)
    assert '<td class="partial">partial</td>' in text and '<td class="n">3</td>' in text
    assert "<thead>" not in table(("", ""), [("a", "b")])


def test_light_and_dark():
    assert "prefers-color-scheme: dark" in page("t", "l", [])
