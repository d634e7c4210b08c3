"""The committed package: its exact bytes, and the writer that still makes them.

A change here is a change of the format. `python tests/golden/test_golden.py` writes the file anew;
do that on purpose only, and say so in the changelog.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from mien.clip import Clip
from mien.glb import read_rig, read_weights_animation
from mien.package import package_bytes, read_package, verify_package
from mien.rig import Material
from mien_exporters.gltf import rig_to_glb

GOLDEN = Path(__file__).with_name("sphere.mien")
SHA256 = "90c3ff121a0d6528d0b8ef1b4dc18b6b3175d35a3f18ae3200c531fa08ca3559"
CLIP = Clip(
    ("jawOpen", "browInnerUp"),
    np.arange(5) / 4,
    np.array([[0, 1], [0.25, 0.5], [1, 0], [0.5, 0.125], [0, 0]], np.float32),
)


def test_the_committed_bytes() -> None:
    assert hashlib.sha256(GOLDEN.read_bytes()).hexdigest() == SHA256


def test_it_is_sound() -> None:
    report = verify_package(GOLDEN)
    assert report.problems == ()
    assert report.checked == ("animator.onnx", "character.glb")


def test_reading_and_writing_gives_the_same_bytes() -> None:
    package = read_package(GOLDEN)
    glb = package.read_bytes("character.glb")
    clip = read_weights_animation(glb, "nod").select(CLIP.names)
    files = {
        "animator.onnx": package.read_bytes("animator.onnx"),
        "character.glb": rig_to_glb(package.rig(), {"nod": clip}),
    }
    assert package_bytes(package.manifest, files) == GOLDEN.read_bytes()


def test_the_numbers_in_it() -> None:
    package = read_package(GOLDEN)
    rig = package.rig()
    assert rig.shape_names == ("jawOpen", "mouthSmileLeft", "browInnerUp")
    assert (len(rig.vertices), len(rig.triangles)) == (45, 48)
    np.testing.assert_array_equal(rig.vertices[0], np.array([0, 0.25, 0.02], np.float32))
    np.testing.assert_array_equal(rig.shape_deltas[0].min(axis=0), np.float32([0, -0.01, 0]))
    assert [joint.name for joint in rig.joints][3:] == ["leftEye", "rightEye"]
    moving = read_weights_animation(package.read_bytes("character.glb"))
    np.testing.assert_array_equal(moving["browInnerUp"], CLIP["browInnerUp"])
    assert package.manifest.provenance["stages"]["animator"]["vertex_error_mm"] == 0.25


def write_golden() -> None:
    """Make the file from nothing. No texture: a PNG's bytes depend on the version of zlib."""
    from support.packages import tiny_content
    from support.rigs import sphere_rig

    rig = sphere_rig(rows=4, columns=8, name="Sphere")
    rig = replace(
        rig, materials=(Material("skin", color=(0.5, 0.25, 0.125)), Material("cap", roughness=1.0))
    )
    manifest, files = tiny_content(rig)
    files["character.glb"] = rig_to_glb(rig, {"nod": CLIP})
    GOLDEN.write_bytes(package_bytes(manifest, files))
    assert read_rig(files["character.glb"])
    print(hashlib.sha256(GOLDEN.read_bytes()).hexdigest(), GOLDEN.stat().st_size, "bytes")


if __name__ == "__main__":
    write_golden()
