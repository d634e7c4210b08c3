"""No page of the documentation links to a file, a folder or a heading that is not there."""

import re

import pytest
from support.markdown import PAGES, ROOT, anchors, code_spans, without_code

DOCS = ROOT / "docs"
ALL = (*PAGES, *sorted((DOCS / "results").glob("*.md")))


@pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(path), f"{page.name}: {target}: no such heading in {path.name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_on_a_page_are_there(page):
    for name in code_spans(page):
        if re.fullmatch(r"(sdk|exporters|training|proto|samples|tests|docs)/[\w./-]+", name):
            assert (ROOT / name).exists(), f"{page.name}: `{name}`"


def test_the_index_lists_every_page():
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (DOCS / "index.md").read_text("utf-8")))
    assert listed == {path.name for path in DOCS.glob("*.md")} - {"index.md"}
