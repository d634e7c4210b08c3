"""Pages of results say what the records beside them hold, in the words of the scripts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """Names of pages by how they compare with what their scripts make of the records."""
    pytest.importorskip("torch", reason="torch is not installed (extra `train`)")
    check = ROOT / "tests" / "support" / "result_pages_check.py"
    done = subprocess.run([sys.executable, str(check)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_page_is_what_its_script_makes_of_its_record(found):
    assert not found["differ"], "python tests/benchmarks/SCRIPT.py --render writes them anew"
    assert len(found["same"]) > 10


def test_every_page_and_record_has_a_script(found):
    if found["not here"]:
        pytest.skip(f"packages of some scripts are not installed: {', '.join(found['not here'])}")
    for kind in (".md", ".json"):
        assert sorted(found["same"]) == sorted(p.stem for p in RESULTS.glob(f"*{kind}"))
