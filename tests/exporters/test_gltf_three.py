"""three.js in a headless browser keeps every name, moves every shape and plays the animation."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.browser import missing_for_three, open_in_three
from support.heads import HEADS, head

from mien.clip import Clip
from mien_exporters.gltf import rig_to_glb

REASON = missing_for_three()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")


@pytest.mark.parametrize("name", HEADS)
def test_names_shapes_and_image(name: str, tmp_path: Path) -> None:
    rig = head(name)
    report, png = open_in_three(rig_to_glb(rig), tmp_path, rig.shape_names)
    assert report["warnings"] == []
    assert len(report["meshes"]) == len(np.unique(rig.triangle_material))
    for mesh in report["meshes"]:
        assert mesh["morphTargetDictionary"] == rig.shape_index
        assert mesh["morphAttributes"] == {k: len(rig.shape_names) for k in ("position", "normal")}
        assert mesh["skinned"] and mesh["sharesGeometryWithFirst"]
    assert report["bones"] == [joint.name for joint in rig.joints]
    # tongueOut may hide behind closed lips; every other shape must show.
    unseen = [n for n, pixels in report["changedPixels"].items() if pixels < 20]
    assert set(unseen) <= {"tongueOut"}, report["changedPixels"]
    assert report["covered"] > 360 * 360 / 10
    assert Image.open(io.BytesIO(png)).size == (360, 360)


def test_animation_drives_weights_and_head(tmp_path: Path) -> None:
    rig = head("sphere")
    values = np.array([[0, 1, 0], [1, 0, 0.4], [0, 1, 0]], np.float32)
    clip = Clip(("jawOpen", "browInnerUp", "headPitch"), np.array([0.0, 1.0, 2.0]), values)
    report, _ = open_in_three(rig_to_glb(rig, {"nod": clip}), tmp_path, time_s=0.5)
    (animation,) = report["animations"].values()
    assert animation["duration"] == pytest.approx(2.0)
    assert animation["influences"] == pytest.approx([0.5, 0.0, 0.5], abs=1e-5)
    # Halfway to 0.4 rad of pitch (x axis), the neck takes 40 % and the head the rest.
    assert animation["rotations"]["neck"][0] == pytest.approx(np.sin(0.04), abs=1e-4)
    assert animation["rotations"]["head"][0] == pytest.approx(np.sin(0.06), abs=1e-4)
