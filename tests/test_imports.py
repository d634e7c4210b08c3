"""What benchmarks and samples import of mien exists: no type checker reads them."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = sorted([*(ROOT / "tests/benchmarks").glob("*.py"), *(ROOT / "samples").glob("*.py")])


def imports(path: Path) -> list[tuple[str, str | None]]:
    """(module, name in it; None for the module itself) of everything imported from mien."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
    return [(module, name) for module, name in found if module.startswith("mien")]


def test_there_are_programs_to_check():
    assert sum(bool(imports(path)) for path in PROGRAMS) > 15


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_every_import_of_mien_exists(path):
    for module_name, name in imports(path):
        module = importlib.import_module(module_name)
        if name is not None and not hasattr(module, name):
            importlib.import_module(f"{module_name}.{name}")  # a module of a package
