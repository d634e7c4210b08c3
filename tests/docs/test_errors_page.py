"""docs/errors.md names every error class, its parent and its module, and the true exit statuses."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from support.markdown import table

import mien.errors
from mien.__main__ import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "errors.md"


def error_classes() -> Iterator[tuple[str, str, str]]:
    """(name, parent, module) of every class of the family that the sources define elsewhere."""
    family = set(mien.errors.__all__)
    classes = []
    for folder in ("sdk", "exporters", "training"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT / folder).with_suffix("").parts)
            if module == "mien.errors":
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef):
                    parents = [b.id for b in node.bases if isinstance(b, ast.Name)]
                    classes.append((node.name, parents, module))
    grown = True
    while grown:  # children of children
        found = {name for name, parents, _ in classes if family & set(parents)}
        grown = not found <= family
        family |= found
    for name, parents, module in classes:
        for parent in parents:
            if parent in family:
                yield name, parent, module


def test_the_classes_of_mien_errors():
    rows = {row[0]: row for row in table(PAGE, "class")}
    assert list(rows) == [
        name for name, _ in sorted(
            ((n, getattr(mien.errors, n)) for n in mien.errors.__all__),
            key=lambda pair: inspect.getsourcelines(pair[1])[1],
        )
    ], "the table's classes are not those of sdk/mien/errors.py, in its order"  # fmt: skip
    for name, row in rows.items():
        assert getattr(mien.errors, name).__base__.__name__ == row[1]
        assert all(row), f"{name}: an empty cell"


def test_the_special_cases():
    text = PAGE.read_text("utf-8")
    second = text[text.index("## Special cases") :]
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in second[: second.index("## The command line")].splitlines()
        if line.startswith("| `")
    ]
    told = {(name, parent): module for name, parent, module, _ in rows}
    defined = {(name, parent): module for name, parent, module in error_classes()}
    assert set(told) == set(defined), "docs/errors.md: 'Special cases' differs from the sources"
    for key, module in told.items():
        assert defined[key] == module or defined[key].startswith(f"{module}."), key


def test_the_messages_are_those_of_the_sources():
    sources = [
        path.read_text("utf-8")
        for folder in ("sdk", "exporters", "training")
        for path in (ROOT / folder).rglob("*.py")
    ]
    for row in table(PAGE, "message contains"):
        assert any(row[0] in text for text in sources), row[0]


def test_the_exit_statuses(tmp_path, capsys):
    damaged = tmp_path / "damaged.mien"
    damaged.write_bytes(b"no zip")
    statuses = {
        "0": main(["--version"]),
        "1": main(["verify", str(damaged)]),
        "2": main(["info", str(tmp_path / "missing.mien"), "--loud"]),
    }
    assert [row[0] for row in table(PAGE, "exit status")] == list(statuses)
    for told, status in statuses.items():
        assert int(told) == status
    assert main(["juggle"]) == 2
    capsys.readouterr()
