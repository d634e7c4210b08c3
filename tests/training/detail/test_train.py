"""`mien train detail` from a rig's folder and images to a package with wrinkles; bad input."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.packages import tiny_animator
from support.performances import write_true_run

import mien
from mien.__main__ import main
from mien.errors import InputError
from mien.manifest import Consent
from mien.package import verify_package
from mien_exporters.detail.detail_run import read_detail_run
from mien_exporters.export import ExportConfig, build_character, export_runs
from mien_exporters.run_folder import AnimatorRun, write_animator_run
from mien_training.detail.drawn_detail import drawn_detail
from mien_training.detail.fit.photometric_detail import PhotometricNoise
from mien_training.detail.train import TrainDetailConfig, train_detail
from mien_training.footage import video
from mien_training.head import rig_from_template
from mien_training.synthetic.relief.wrinkled_person import WrinkledPerson
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template
from mien_training.templates.person import read_person, write_person

EXPRESSIONS = (
    (),
    ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ("browDownLeft", "browDownRight"),
    ("mouthSmileLeft", "mouthSmileRight"),
)
SMALL = {"frames": 6, "size": 384, "map_size": 256, "iterations": 20}


@pytest.fixture(scope="module")
def wrinkled():
    return WrinkledPerson.make(load_template("anny"), 7, age=0.9, texture_side=512)


@pytest.fixture(scope="module")
def folder(wrinkled, tmp_path_factory):
    """A rig's run and images of the person, as a user has them."""
    folder = tmp_path_factory.mktemp("person")
    person = replace(
        load_template("anny"), name="Ada", vertices=wrinkled.person.neutral,
        shape_deltas=wrinkled.person.deltas,
    )  # fmt: skip
    (folder / "rig").mkdir()
    write_person(folder / "rig", person, wrinkled.person.rig.materials[0].base_color)
    index = wrinkled.person.rig.shape_index
    weights = np.zeros((len(EXPRESSIONS), len(index)), np.float32)
    for row, names in zip(weights, EXPRESSIONS, strict=True):
        row[[index[name] for name in names]] = 0.9
    angles = np.array([[0.0, 0, 0], [0.2, 0, 0], [-0.2, 0.1, 0], [0.1, -0.1, 0]])
    scene = RandomScene(4, size=480)
    frames = wrinkled.photograph(weights, angles, scene)
    (folder / "film").mkdir()
    for n, image in enumerate(frames.images):
        Image.fromarray(image).save(folder / f"{n}.png")
        Image.fromarray(image).save(folder / "film" / f"{n}.png")
    write_true_run(
        folder / "fitted", wrinkled.person, "Ada", folder / "film", frames.camera, weights, angles,
        30.0,
    )  # fmt: skip
    (folder / "focal.txt").write_text(str(frames.camera.K[0, 0]))
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    focal = float((folder / "focal.txt").read_text())
    images = tuple(sorted(folder.glob("?.png")))
    config = TrainDetailConfig(folder / "rig", images, folder / "detail", focal_px=focal, **SMALL)
    return config, train_detail(config, quiet=True)


def test_the_run_says_what_it_found(trained):
    config, metrics = trained
    assert metrics["frames"] == len(EXPRESSIONS) and metrics["likeness"] > 0.6
    assert sum(metrics["verdicts"].values()) == 36 and "measured" in metrics["verdicts"]
    assert json.loads((config.out / "metrics.json").read_text()) == json.loads(json.dumps(metrics))
    page = (config.out / "report.html").read_text()
    assert "foreheadLowerMiddleLeft" in page and "data:image/jpeg" in page
    assert metrics["network"]["rms"]["network"] < 0.5 * metrics["network"]["rms"]["nothing"]


def test_wrinkles_are_where_they_are(trained, wrinkled):
    config, _ = trained
    found = read_detail_run(config.out).maps[0]
    truth = wrinkled.maps(256)[0]
    mask = np.abs(truth) > 1e-4
    assert np.corrcoef(found[mask], truth[mask])[0, 1] > 0.4


def test_the_same_call_goes_on_and_another_is_refused(trained, small_network):
    config, metrics = trained
    again = train_detail(config, quiet=True)
    assert again["regions"] == metrics["regions"]
    with pytest.raises(InputError, match="intensity is 1"):
        train_detail(replace(config, intensity=0.5), quiet=True)


def test_the_rigs_own_footage_needs_no_tracker(folder, wrinkled, small_network, monkeypatch):
    monkeypatch.setattr(video, "Tracker", None)
    config = TrainDetailConfig(folder / "fitted", out=folder / "own", **SMALL)
    metrics = train_detail(config, quiet=True)
    assert metrics["frames"] == len(EXPRESSIONS) and metrics["likeness"] > 0.6
    assert metrics["posed"] == "as the rig's fit"
    assert {"performance", "footage film"} <= set(metrics["inputs"])
    found, truth = read_detail_run(config.out).maps[0], wrinkled.maps(256)[0]
    mask = np.abs(truth) > 1e-4
    assert np.corrcoef(found[mask], truth[mask])[0, 1] > 0.5


def test_a_rig_without_performance_is_told_what_to_do(folder, tmp_path, capsys):
    assert main(["train", "detail", str(folder / "rig"), "--out", str(tmp_path / "a")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    for words in ("performance.npz: not there", "fit the rig again", "or name videos or images"):
        assert words in said
    assert not (tmp_path / "a").exists()
    with pytest.raises(InputError, match="focal_px goes with videos"):
        TrainDetailConfig(folder / "fitted", focal_px=500.0)


def test_it_is_exported_with_the_character(trained, folder, small_network):
    config, _ = trained
    person, materials = read_person(config.rig)
    rig, _ = rig_from_template(person, "Ada", None, materials)
    consent = Consent("synthetic", "Nobody is shown.")
    write_animator_run(
        folder / "animator",
        AnimatorRun(
            "Ada", rig, tiny_animator(channels=len(rig.shape_names)), rig.shape_names,
            ("scores", "head_rotation"), "CC0-1.0", consent,
        ),
    )  # fmt: skip
    path = folder / "ada.mien"
    report = export_runs(ExportConfig((folder / "animator", config.out), path))
    assert report["wrinkle_regions"] == 36 and verify_package(path).ok
    character = mien.load(path)
    frame = character.session(neutral=np.zeros(55)).step(np.full(55, 0.3), 0.0)
    assert frame.detail.shape == (36,)
    maps = character.detail_maps(256)
    assert maps.displacement(np.zeros(36)).std() > 1e-6
    other = load_template("anny")
    stranger, source = rig_from_template(other, "other", None, materials)
    foreign = drawn_detail(other, stranger, source, 0.5, 0, 128)
    with pytest.raises(InputError, match="mm from"):
        build_character(
            folder / "x.mien", rig, tiny_animator(channels=len(rig.shape_names)),
            channels=rig.shape_names, features=("scores", "head_rotation"), licence="CC0-1.0",
            consent=consent, detail=foreign,
        )  # fmt: skip
    assert not (folder / "x.mien").exists()


def test_bad_input_is_refused_and_leaves_nothing(folder, wrinkled, tmp_path):
    images = tuple(sorted(folder.glob("?.png")))
    with pytest.raises(InputError, match="two files are called"):
        train_detail(TrainDetailConfig(folder / "rig", images * 2, tmp_path / "a"), quiet=True)
    with pytest.raises(InputError, match="noise: shading 0"):
        PhotometricNoise(shading=0)
    with pytest.raises(InputError, match=r"person\.npz: not there"):
        train_detail(TrainDetailConfig(tmp_path, images, tmp_path / "a"), quiet=True)
    with pytest.raises(InputError, match="expected a detail basis"):
        missing = TrainDetailConfig(folder / "rig", images, tmp_path / "a", tmp_path / "no.npz")
        train_detail(missing, quiet=True)
    assert not (tmp_path / "a").exists()
    with pytest.raises(InputError, match=r"pixels high, expected at least 128"):
        small = TrainDetailConfig(folder / "rig", images[:1], tmp_path / "b", size=160)
        train_detail(small, quiet=True)
    white = np.full_like(np.asarray(Image.open(images[0])), 0)
    white[:] = np.clip(np.asarray(Image.open(images[0])).astype(int) * 4 + 60, 0, 255)
    Image.fromarray(white).save(tmp_path / "white.png")
    with pytest.raises(InputError, match=r"overexposed|no face"):
        train_detail(
            TrainDetailConfig(folder / "rig", (tmp_path / "white.png",), tmp_path / "c", **SMALL),
            quiet=True,
        )


def test_another_persons_images_are_refused(folder, tmp_path):
    other = WrinkledPerson.make(load_template("anny"), 31, age=0.3, texture_side=512)
    still = np.zeros((3, len(other.person.rig.shape_names)), np.float32)
    turns = np.array([[0.0, 0, 0], [0.2, 0, 0], [-0.2, 0, 0]])
    for n, image in enumerate(other.photograph(still, turns, RandomScene(5, size=480)).images):
        Image.fromarray(image).save(tmp_path / f"{n}.png")
    images = tuple(sorted(tmp_path.glob("?.png")))
    config = TrainDetailConfig(folder / "rig", images, tmp_path / "run", **SMALL)
    with pytest.raises(InputError, match="another person"):
        train_detail(config, quiet=True)
