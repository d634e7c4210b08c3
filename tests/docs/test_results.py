"""Pages of results say what the records beside them hold."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"


def benchmark(name: str):
    """A benchmark as a module; they are programs, not a package."""
    spec = importlib.util.spec_from_file_location(
        name, ROOT / "tests" / "benchmarks" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where its dataclasses look their types up
    spec.loader.exec_module(module)
    return module


def test_the_animators_page_is_its_record():
    pytest.importorskip("torch", reason="torch is not installed (extra `train`)")
    record = json.loads((RESULTS / "animator_ablation.json").read_text())
    page = (RESULTS / "animator_ablation.md").read_text()
    assert benchmark("animator_ablation").page(record) == page
