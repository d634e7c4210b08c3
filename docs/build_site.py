"""Builds the documentation site: the guides of this folder and a reference from the docstrings.

    python docs/build_site.py [--out build/site]        (or: make docs)

Pages are staged in OUT/../site-source, then Zensical (the successor of MkDocs and its Material
theme) renders them with mkdocstrings, which reads the sources without importing them. The list of
reference pages comes from the packages themselves, so that a new or moved module needs no edit
here. A dead link, a dead anchor or a docstring that cannot be read stops the build. Nothing is
fetched, neither now nor when somebody reads the site.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import tomllib
except ImportError:  # Python 3.10; Zensical brings this one
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
GUIDES = (
    "index", "how-it-works", "filming-guide", "own-head", "calibration", "capture",
    "rig-from-meshes", "skin-detail", "photoreal-avatar", "engine-import", "coordinate-frames",
    "run-folders", "service", "threads", "errors", "package-format", "data",
)  # fmt: skip
"""Order of the guides; pages that are not named here follow."""
PACKAGES = {"mien": "sdk", "mien_exporters": "exporters", "mien_training": "training"}
DOORS_ONLY = {"mien_training"}
"""Packages of which only the folders' own pages and the commands are shown."""

Nav = list[dict[str, Any]]


def public_modules(package: str) -> Iterator[str]:
    """Dotted names of a package's public modules, itself first. Generated stubs are left out."""
    top = ROOT / PACKAGES[package]
    commands = command_modules()
    for path in sorted((top / package).rglob("*.py")):
        parts = path.relative_to(top).with_suffix("").parts
        folder = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if folder else parts)
        if any(part.startswith("_") for part in name.split(".")) or "v1" in parts:
            continue
        if not ast.get_docstring(ast.parse(path.read_text("utf-8"))):
            continue
        if package not in DOORS_ONLY or folder or name in commands:
            yield name


def command_modules() -> set[str]:
    """Modules behind the command line's entry points."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = project["entry-points"].values()
    return {target.partition(":")[0] for group in groups for target in group.values()}


def title_of(page: Path) -> str:
    """Text of a Markdown page's first heading."""
    found = re.search(r"^# (.+)$", page.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise SystemExit(f"{page}: a page needs a heading '# ...'")
    return found[1].replace("`", "")


def stage_guides(source: Path) -> Nav:
    """Copies this folder's pages, images and results; returns their part of the navigation."""
    docs = ROOT / "docs"
    shutil.copytree(docs, source, ignore=shutil.ignore_patterns("*.py", "*.yml", "*.json"))
    pages = {path.stem: path for path in sorted(source.glob("*.md"))}
    for path in pages.values():
        path.write_text(_links_inside(path.read_text("utf-8")), "utf-8")
    order = [name for name in GUIDES if name in pages]
    order += [name for name in pages if name not in order]
    guides: Nav = [{title_of(pages[name]): f"{name}.md"} for name in order]
    results = sorted((source / "results").glob("*.md"))
    lines = [f"- [{title_of(path)}]({path.name})" for path in results]
    (source / "results" / "index.md").write_text("# Results\n\n" + "\n".join(lines) + "\n", "utf-8")
    tables: Nav = [{title_of(path): f"results/{path.name}"} for path in results]
    return [{"Guides": guides}, {"Results": ["results/index.md", *tables]}]


def _links_inside(text: str) -> str:
    """Links to folders, and to files outside this folder, as links that the site has."""
    text = text.replace("](../proto/mien/v1)", "](reference/wire.md)")
    text = text.replace("](results)", "](results/index.md)")
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", text)


def stage_reference(source: Path) -> Nav:
    """Writes one page per public module, and one with the wire contract."""
    folder = source / "reference"
    folder.mkdir()
    nav: Nav = []
    for package in PACKAGES:
        pages: list[Any] = []
        for name in public_modules(package):
            (folder / f"{name}.md").write_text(f"::: {name}\n", "utf-8")
            pages.append({name.removeprefix(f"{package}."): f"reference/{name}.md"})
        nav.append({package: pages})
    protos = sorted((ROOT / "proto" / "mien" / "v1").glob("*.proto"))
    parts = [f"## {path.name}\n\n```proto\n{path.read_text('utf-8')}```\n" for path in protos]
    (folder / "wire.md").write_text("# The wire contract\n\n" + "\n".join(parts), "utf-8")
    return [{"Reference": [*nav, {"The wire contract": "reference/wire.md"}]}]


def stage(work: Path) -> Path:
    """Everything that the site is built from, below `work`; returns the settings file."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    nav = stage_guides(work / "pages") + stage_reference(work / "pages")
    settings = (ROOT / "docs" / "mkdocs.yml").read_text("utf-8")
    paths = json.dumps([str(ROOT / folder) for folder in PACKAGES.values()])
    settings = settings.replace(
        "        python:\n", f"        python:\n          paths: {paths}\n"
    )  # JSON is YAML
    extension = json.dumps([str(ROOT / "docs" / "doctest_blocks.py")])
    settings = settings.replace("[DOCTEST_BLOCKS]", extension)
    settings += f"docs_dir: pages\nsite_dir: site\nnav: {json.dumps(nav)}\n"
    file = work / "mkdocs.yml"
    file.write_text(settings, "utf-8")
    return file


def render(settings: Path) -> int:
    """Runs Zensical; any warning is an error. Returns its exit status."""
    command = [sys.executable, "-m", "zensical", "build", "--strict", "-f", str(settings)]
    return subprocess.run(command, cwd=settings.parent).returncode


def build(out: Path) -> int:
    """Builds the site into the folder `out`; returns Zensical's exit status, 0 if all is well."""
    work = out.resolve().parent / f"{out.name}-source"
    status = render(stage(work))
    if status == 0:
        shutil.rmtree(out, ignore_errors=True)
        shutil.move(work / "site", out)
    return status


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Build the documentation site.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    out = parser.parse_args().out
    status = build(out)
    if status == 0:
        print(f"{out}: read it with  python -m http.server -b 127.0.0.1 -d {out}")
    return status


if __name__ == "__main__":
    sys.exit(main())
