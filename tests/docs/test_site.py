"""The documentation site builds without a warning, and loads nothing from elsewhere."""

import importlib.util
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

TOOLS = ("zensical", "mkdocstrings")


def require_tools() -> None:
    """Skips without the site's tools; on a build server (CI=true) that is a failure."""
    missing = [name for name in TOOLS if not importlib.util.find_spec(name)]
    if missing:
        told = f"{', '.join(missing)} not installed (pip install 'mien[docs]')"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)


@pytest.fixture(scope="module")
def build_site() -> ModuleType:
    require_tools()
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "docs" / "build_site.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_site"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(build_site, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("docs") / "site"
    assert build_site.build(out) == 0, "see Zensical's messages above"
    return out


def test_every_guide_and_public_module_has_a_page(build_site, site):
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / f"{page.stem}.html").exists(), page
    packages = map(build_site.public_modules, build_site.PACKAGES)
    modules = [name for package in packages for name in package]
    assert {"mien", "mien.session", "mien_exporters.export", "mien_training"} <= set(modules)
    assert build_site.command_modules() <= set(modules)
    for name in modules:
        assert f'id="{name}"' in (site / "reference" / f"{name}.html").read_text(), name


def test_the_reference_shows_signatures_fields_and_docstrings(site):
    page = (site / "reference" / "mien.html").read_text()
    assert 'id="mien.Character.session"' in page and 'id="mien.MienError"' in page
    assert "frame = session.step(" in re.sub(r"<[^>]+>", "", page)


def test_no_page_loads_anything_from_elsewhere(site):
    loading = re.compile(r"<(?:script|img|iframe)[^>]+src=\"?(?:https?:)?//|@import|url\(.?https?:")
    stylesheet = re.compile(r"<link[^>]+href=\"?https?://")
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert not loading.search(text) and not stylesheet.search(text), page


def test_a_build_server_does_not_skip_the_site(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "TOOLS", ("no_such_tool",))
    for ci, outcome in (("true", pytest.fail.Exception), ("", pytest.skip.Exception)):
        monkeypatch.setenv("CI", ci)
        with pytest.raises(outcome, match="no_such_tool not installed"):
            require_tools()


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("[a](gone.md) [b](#gone)", ("page does not exist", "anchor does not exist")),
        ("::: mien.gone", ("mien.gone",)),
    ],
    ids=["links", "module"],
)
def test_a_fault_stops_the_build(build_site, tmp_path, capfd, text, messages):
    settings = build_site.stage(tmp_path / "source")
    lines = settings.read_text().replace("docs_dir: pages", "docs_dir: one")
    settings.write_text(re.sub(r"^nav: .*$", 'nav: [{"Home": "index.md"}]', lines, flags=re.M))
    (settings.parent / "one").mkdir()
    (settings.parent / "one" / "index.md").write_text(f"# Home\n\n{text}\n")
    assert build_site.render(settings) != 0
    told = "".join(capfd.readouterr())
    for message in messages:
        assert message in told
