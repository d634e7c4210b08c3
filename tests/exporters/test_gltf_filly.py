"""Filament, a native importer, keeps every morph target and shows each of them move."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.heads import HEADS, head

from mien.clip import Clip
from mien_exporters.gltf import rig_to_glb

if find_spec("filly") is None:
    pytest.skip("filly is not installed (extra `dev`)", allow_module_level=True)

PROBE = Path(__file__).parents[1] / "support" / "filament_probe.py"


def open_in_filament(glb: bytes, folder: Path) -> dict[str, Any]:
    (folder / "head.glb").write_bytes(glb)
    command = [sys.executable, str(PROBE), str(folder / "head.glb"), str(folder / "rest.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("REPORT ")]
    if not found and ("libGL" in done.stderr or "libEGL" in done.stderr):
        pytest.skip(f"Filament finds no OpenGL here: {done.stderr.splitlines()[-1]}")
    assert found, f"Filament failed ({done.returncode}): {done.stderr[-2000:]}"
    return dict(json.loads(found[0].removeprefix("REPORT ")))


@pytest.mark.parametrize("name", HEADS)
def test_counts_nodes_and_visible_motion(name: str, tmp_path: Path) -> None:
    rig = head(name)
    clip = Clip(rig.shape_names[:1], np.array([0.0, 1.0]), np.array([[0], [1]], np.float32))
    report = open_in_filament(rig_to_glb(rig, {"take": clip}), tmp_path)
    assert report["morph_target_count"] == len(rig.shape_names)
    assert report["nodes"] == [*(joint.name for joint in rig.joints), rig.name]
    assert report["animations"] == ["take"]
    assert report["changed_after_reset"] == 0
    moved = dict(zip(rig.shape_names, report["changed"], strict=True))
    assert {n for n, pixels in moved.items() if pixels < 20} <= {"tongueOut"}, moved
    assert np.asarray(Image.open(tmp_path / "rest.png")).std() > 10
