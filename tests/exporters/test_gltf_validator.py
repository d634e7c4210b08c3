"""The Khronos validator on every kind of file that the exporter writes: no error, no warning."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.browser import JS_FOLDER
from support.heads import HEADS, head

from mien.channels import HEAD_CHANNELS
from mien.clip import Clip
from mien.rig import Rig
from mien_exporters.gltf import rig_to_glb

if shutil.which("node") is None:
    pytest.skip("node is not installed", allow_module_level=True)
if not (JS_FOLDER / "node_modules" / "gltf-validator").is_dir():
    pytest.skip("the Khronos validator is absent (npm ci in tests/js)", allow_module_level=True)


def validate(path: Path) -> dict[str, Any]:
    command = ["node", str(JS_FOLDER / "validate.mjs"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return dict(json.loads(done.stdout)[str(path)])


def clip_for(rig: Rig) -> Clip:
    """Everything moves: all shapes and all angles."""
    rng = np.random.default_rng(0)
    names = (*rig.shape_names, *HEAD_CHANNELS)
    return Clip(names, np.arange(30) / 30, rng.random((30, len(names))).astype(np.float32))


@pytest.mark.parametrize("name", HEADS)
def test_animated_head_is_clean(name: str, tmp_path: Path) -> None:
    rig = head(name)
    path = tmp_path / "head.glb"
    path.write_bytes(rig_to_glb(rig, {"take": clip_for(rig), "still": clip_for(rig).between(0, 1)}))
    report = validate(path)
    issues = report["issues"]
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"][:5]
    info = report["info"]
    assert info["hasMorphTargets"] and info["hasSkins"]
    assert info["animationCount"] == 2
    assert info["totalTriangleCount"] == len(rig.triangles)
    assert info["drawCallCount"] == len(np.unique(rig.triangle_material))


def test_real_take_on_the_head_is_clean(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    clip = Clip.read(shared_data("livelink_rom/alex_rom_3.csv"))
    path = tmp_path / "rom.glb"
    path.write_bytes(rig_to_glb(head("anny"), {"alex_rom_3": clip}))
    issues = validate(path)["issues"]
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"][:5]


def test_the_validator_would_see_a_fault(tmp_path: Path) -> None:
    """So that the tests above can fail: a file with its bounds wrong is reported."""
    glb = rig_to_glb(head("sphere"))
    path = tmp_path / "bad.glb"
    path.write_bytes(glb.replace(b'"count":', b'"cound":', 1))
    assert validate(path)["issues"]["numErrors"] > 0
