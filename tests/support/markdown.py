"""What the tests of the documentation read out of Markdown pages."""

import re
import shlex
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
"""What people read first; the pages of docs/results are written by scripts."""

_FENCE = re.compile(r"^( *)(```+)(\w*)[^\n]*\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:(?<=\n\n)|\A)((?: {4}[^\n]*\n|\n)+)")


@dataclass(frozen=True)
class CodeBlock:
    """A block of code on a page."""

    page: Path
    line: int
    """Of its first line of code, from 1."""
    language: str
    """As named after the fence; empty for an indented block."""
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def code_blocks(page: Path) -> Iterator[CodeBlock]:
    """Fenced blocks, then indented ones."""
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        yield CodeBlock(page, line, found[3], found[4])
    blank = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)
    for found in _INDENTED.finditer(blank):
        if found[1].strip():
            line = blank.count("\n", 0, found.start()) + 1
            body = re.sub(r"^ {4}", "", found[1], flags=re.MULTILINE)
            yield CodeBlock(page, line, "", body)


def without_code(page: Path) -> str:
    """The page's text without blocks and spans of code."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return re.sub(r"`[^`\n]*`", "", text)


def code_spans(page: Path) -> set[str]:
    """Texts between single backticks, outside blocks."""
    return set(re.findall(r"`([^`\n]+)`", _FENCE.sub("", page.read_text("utf-8"))))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings that code hosts and the site agree on."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE):
        words = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        kept = re.sub(r"[^\w\s-]", "", words)
        plain = unicodedata.normalize("NFKD", kept).encode("ascii", "ignore").decode()
        if kept.replace(" ", "-") == re.sub(r"[-\s]+", "-", plain).strip("-"):
            found.add(kept.replace(" ", "-"))
    return found


def table(page: Path, first_header: str) -> list[list[str]]:
    """Rows of the table whose first column is headed so; cells without backticks."""
    lines = page.read_text("utf-8").splitlines()
    start = next(
        (n for n, line in enumerate(lines) if line.startswith(f"| {first_header} |")), None
    )
    assert start is not None, f"{page}: no table with a first column {first_header!r}"
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")])
    return rows


def command_lines(page: Path) -> Iterator[tuple[str, list[str]]]:
    """(where, words after `mien`) of every call of the command line in the page's code blocks."""
    for block in code_blocks(page):
        if block.language not in ("", "sh", "bash", "shell", "console"):
            continue
        for line in re.sub(r"\\\n\s*", " ", block.text).splitlines():
            if not re.match(r"\s*(\$ )?(\.venv/bin/)?mien\s", line):
                continue
            words = shlex.split(line.strip().removeprefix("$ "), comments=True)
            while words:
                end = words.index(";") if ";" in words else len(words)
                if words[0].rpartition("/")[2] == "mien":
                    yield f"{block}: {line.strip()}", words[1:end]
                words = words[end + 1 :]
