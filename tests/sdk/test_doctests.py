"""The examples in the runtime's docstrings run as they stand."""

import doctest
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien

ROOT = Path(mien.__file__).parent
GOLDEN = Path(__file__).parents[1] / "golden"
WITHOUT = {
    "connect",  # needs a server: samples/04_serve_and_stream.py runs one
    *(name for name in mien.__all__ if name.endswith("Error")),
}


def modules() -> list[str]:
    """Every module of the runtime outside the service whose text holds an example."""
    return sorted(
        ".".join(("mien", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for path in ROOT.rglob("*.py")
        if "service" not in path.parts and ">>> " in path.read_text("utf-8")
    )


@pytest.fixture(scope="module")
def names() -> dict[str, object]:
    """What examples may use without saying where it is from."""
    clip = mien.Clip(
        ("jawOpen", "mouthSmileLeft"), np.array([0.0, 0.5]), np.array([[0.25, 1.0], [0.75, 0.5]])
    )
    astronaut = np.asarray(Image.open(GOLDEN / "astronaut.jpg").convert("RGB"))
    return {"mien": mien, "SPHERE": GOLDEN / "sphere.mien", "TAKE": clip, "ASTRONAUT": astronaut}


@pytest.mark.parametrize("name", modules())
def test_examples(name, names, tmp_path):
    module = importlib.import_module(name)
    given = {**vars(module), **names, "FOLDER": tmp_path}
    failed, tried = doctest.testmod(module, globs=given, verbose=False)
    assert tried and not failed


@pytest.mark.parametrize("name", sorted(set(mien.__all__) - WITHOUT))
def test_every_name_at_the_top_has_a_short_example(name):
    text = inspect.getdoc(getattr(mien, name)) or ""
    lines = [line for line in text.splitlines() if line.lstrip().startswith((">>> ", "... "))]
    assert 1 <= len(lines) <= 5, name
