"""`mien train rig --meshes`: a capture becomes a person that the next command can use."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.mesh_takes import bump_head, mesh_take

from mien.__main__ import main
from mien.errors import InputError
from mien_training.footage.captured import write_meshes
from mien_training.rig.from_meshes import mesh_rig
from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.mesh_rig import MeshSources, rig_of_meshes
from mien_training.runs.cache import read_arrays
from mien_training.templates import load_template
from mien_training.templates.load import write_template
from mien_training.templates.person import read_person

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")

FAILED = 5
QUICK = ["--mesh-fit.points", "200", "--mesh-fit.anchors", "12", "--mesh-fit.rounds", "3"]


@pytest.fixture(scope="module")
def small(anny_head, tmp_path_factory):
    """A head of few shapes as a file, and what is read of it."""
    names = ("eyeBlinkLeft", "jawOpen", "mouthSmileLeft")
    rows = [anny_head.shape_names.index(n) for n in names]
    template = replace(anny_head, shape_names=names, shape_deltas=anny_head.shape_deltas[rows])
    path = tmp_path_factory.mktemp("head") / "small.npz"
    write_template(path, template)
    return path, load_template(str(path))


@pytest.fixture(scope="module")
def take(small):
    return mesh_take(small[1], moments=9, noise_m=1e-4)


@pytest.fixture(scope="module")
def capture(take, tmp_path_factory):
    """A capture's folder; one moment failed, and shows nonsense."""
    folder = tmp_path_factory.mktemp("capture")
    failure = tuple("blurred" if t == FAILED else "" for t in range(9))
    vertices = take.meshes.vertices.copy()
    vertices[FAILED] = 0
    write_meshes(folder / "meshes.npz", replace(take.meshes, failure=failure, vertices=vertices))
    return folder


@pytest.fixture(scope="module")
def script(take, tmp_path_factory):
    path = tmp_path_factory.mktemp("script") / "poses.csv"
    lines = ["order,prompt," + ",".join(take.template.shape_names)]
    lines += [
        f"{t + 1},Do <this> {t + 1}," + ",".join(f"{w:.2f}" for w in row)
        for t, row in enumerate(take.weights)
    ]
    path.write_text("\n".join(lines))
    return path


def test_a_capture_leaves_a_person(small, take, capture, script, tmp_path, capsys):
    out = tmp_path / "eve"
    call = ["train", "rig", "--meshes", str(capture), "--script", str(script), "--out", str(out),
            "--name", "eve", "--template", str(small[0]), *QUICK]  # fmt: skip
    assert main(call) == 0
    assert "8 moments" in " ".join(capsys.readouterr().err.split())
    person, _ = read_person(out)
    assert person.name == "eve" and person.shape_names == take.template.shape_names
    moments = read_arrays(out / "moments.npz")
    assert moments["frame"].tolist() == [t for t in range(9) if t != FAILED]
    assert moments["weights"].min() >= 0 and moments["weights"].max() <= 1
    # The delivered rig, moved by what was found, is where the meshes are.
    local = person.vertices + np.tensordot(moments["weights"], person.shape_deltas, 1)
    pose = moments["world_from_rig"]
    world = np.einsum("tij,tvj->tvi", pose[:, :3, :3], local) + pose[:, None, :3, 3]
    skin = person.regions["skin"] & ~person.regions["lids"] & ~person.regions["lips"]
    apart = np.linalg.norm(world - take.meshes.vertices[moments["frame"]], axis=2)[:, skin]
    assert np.median(apart) < 4e-4
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["moments"] == 8 and metrics["failed"] == 1
    assert set(metrics["inputs"]) == {"template", "meshes", "script poses.csv"}
    report = (out / "report.html").read_text()
    assert "moments above 0.3" in report and "Do &lt;this&gt; 6" in report
    assert "Do &lt;this&gt; 5" not in report
    files = {"config.json", "inputs.json", "checkpoint.pt", "shapes.png", "report.html"}
    assert {p.name for p in out.iterdir()} >= files


def test_sources_exclude_each_other(capture, script, tmp_path, capsys):
    def refused(*words):
        assert main(["train", "rig", *words, "--out", str(tmp_path / "x")]) == 2
        return " ".join(capsys.readouterr().err.split())

    meshes = ("--meshes", str(capture))
    assert "film.mp4 and --meshes; expected one" in refused("film.mp4", *meshes)
    assert "--cameras and --meshes" in refused(*meshes, "--cameras", "c.json")
    assert "--script says what --meshes show" in refused("film.mp4", "--script", str(script))
    assert "--scores says what --meshes show" in refused("--scores", "a.csv")
    assert "no footage" in refused()
    assert "meshes.npz" in refused("--meshes", str(tmp_path))


def test_meshes_of_another_template_or_without_a_good_moment_are_refused(tmp_path):
    take = mesh_take(bump_head(), moments=2)

    def refused(meshes):
        write_meshes(tmp_path / "meshes.npz", meshes)
        with pytest.raises(InputError) as raised:
            rig_of_meshes(MeshSources(tmp_path), tmp_path / "out", "eve", take.template)
        return str(raised.value)

    assert "field 'topology_sha256'" in refused(replace(take.meshes, topology_sha256="0"))
    assert "no moment to be believed (no head)" in refused(
        replace(take.meshes, failure=("no head", "no head"))
    )


def test_moments_of_the_script_come_first(small, take, capture, tmp_path):
    path = tmp_path / "poses.csv"
    path.write_text("order,jawOpen\n8,1\n6,1\n2,1\n")  # the sixth has failed
    config = MeshFitConfig(moments=4)
    chosen = mesh_rig._chosen(
        MeshSources(capture, path), mesh_rig.read_meshes(capture), small[1], config
    )
    assert {1, 7} < set(chosen.meshes.frame.tolist()) and len(chosen.meshes) == 4
    jaw = chosen.belief.mean[:, take.template.shape_names.index("jawOpen")]
    assert jaw.tolist() == [float(f in (1, 7)) for f in chosen.meshes.frame]
    assert chosen.left_out == 1 and chosen.prompts == ("what line 3 of the script asks for",)
