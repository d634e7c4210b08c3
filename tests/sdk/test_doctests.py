"""The examples in the runtime's docstrings run as they stand."""

import doctest
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.service import serving

import mien
from mien.service.character_registry import CharacterRegistry, ServedCharacter

ROOT = Path(mien.__file__).parent
GOLDEN = Path(__file__).parents[1] / "golden"
BY_NAME = ("mien.channels", "mien.deform", "mien.rotation")
"""Modules whose functions are used by themselves, beside those at the top level."""


def modules() -> list[str]:
    """Every module of the runtime whose text holds an example."""
    return sorted(
        ".".join(("mien", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for path in ROOT.rglob("*.py")
        if ">>> " in path.read_text("utf-8")
    )


def is_method(value: object) -> bool:
    return inspect.isfunction(value) or inspect.ismethod(value)


def public() -> dict[str, object]:
    """What must have an example: the names at the top, their methods, functions by module."""
    found = {name: getattr(mien, name) for name in mien.__all__}
    for name, owner in list(found.items()):
        if inspect.isclass(owner):
            own = {m: getattr(owner, m) for m in vars(owner) if not m.startswith("_")}
            found |= {
                f"{name}.{m}": f
                for m, f in own.items()
                if inspect.isfunction(f) or inspect.ismethod(f)
            }
    for module_name in BY_NAME:
        module = importlib.import_module(module_name)
        named = {name: getattr(module, name) for name in module.__all__}
        found |= {f"{module_name}.{n}": f for n, f in named.items() if callable(f)}
    return found


PUBLIC = public()


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, object]]:
    """What examples may use without saying where it is from."""
    clip = mien.Clip(
        ("jawOpen", "mouthSmileLeft"), np.array([0.0, 0.5]), np.array([[0.25, 1.0], [0.75, 0.5]])
    )
    astronaut = np.asarray(Image.open(GOLDEN / "astronaut.jpg").convert("RGB"))
    sphere = GOLDEN / "sphere.mien"
    with serving(CharacterRegistry([ServedCharacter.load(sphere)])) as server:
        yield {
            "mien": mien, "SPHERE": sphere, "TAKE": clip, "ASTRONAUT": astronaut,
            "SERVER": server.address,
        }  # fmt: skip


@pytest.mark.parametrize("name", modules())
def test_examples(name, names, tmp_path):
    module = importlib.import_module(name)
    given = {**vars(module), **names, "FOLDER": tmp_path}
    failed, tried = doctest.testmod(
        module, globs=given, verbose=False, optionflags=doctest.ELLIPSIS
    )
    assert tried and not failed


def test_there_is_much_to_show():
    assert {"connect", "ServiceError", "Session.restore", "mien.deform.blend"} <= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_short_example(name):
    text = inspect.getdoc(PUBLIC[name]) or ""
    lines = [line for line in text.splitlines() if line.lstrip().startswith((">>> ", "... "))]
    assert 1 <= len(lines) <= 5, name
