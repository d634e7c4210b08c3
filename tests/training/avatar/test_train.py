"""A film in, a run out that the exporters read: small, but every step of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.packages import FEATURES, tiny_animator

import mien
from mien.avatar import draw_splats
from mien.errors import InputError
from mien.rotation import IDENTITY, quaternion_from_matrix
from mien_exporters.avatar.avatar_run import read_avatar_run
from mien_exporters.export import build_character
from mien_exporters.gltf_mesh import drop_still_shapes
from mien_training.avatar.bake.linear_bake import BakeConfig
from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.avatar.film.read_film import read_film
from mien_training.avatar.judge import psnr_by_region
from mien_training.avatar.mattes.film_mattes import matted
from mien_training.avatar.splats.train_splats import SplatsConfig
from mien_training.avatar.train import TrainAvatarConfig, train_avatar
from mien_training.footage.own_footage import own_footage
from mien_training.head import rig_from_template
from mien_training.runs.progress import ProgressBars
from mien_training.templates.person import read_person

SMALL = {
    "size": 128,
    "splats": SplatsConfig(
        network="codes", atlas=64, widths=(4, 8, 8), steps=100
    ),
    "bake": BakeConfig(bases=4, hidden=16, invented=8, steps=100),
    "consent": "synthetic",
    "consent_statement": "Drawn by a program.",
    "device": "cpu",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def alone(one_thread):
    """Sums in one order."""


@pytest.fixture(scope="module")
def trained(filmed, anny_atlas, tmp_path_factory):
    """The run's folder, its metrics and the stages that were reported."""
    folder = tmp_path_factory.mktemp("trained") / "avatar"
    stages = []
    config = TrainAvatarConfig(filmed.rig, folder, **SMALL)
    metrics = train_avatar(config, True, lambda progress: stages.append(progress.stage))
    return folder, metrics, stages


def test_it_beats_the_mean_image(trained):
    _, metrics, _ = trained
    held = metrics["held_out"]
    assert set(held) == {"avatar", "network", "textured mesh", "mean image"}
    for way in ("avatar", "network", "textured mesh"):
        assert held[way]["head"] > held["mean image"]["head"] + 3, way
    assert "beyond the mesh" in held["avatar"]
    assert metrics["bake_loss_db"] == held["network"]["head"] - held["avatar"]["head"]
    assert 0 <= metrics["bake_unexplained"] < 1
    assert metrics["mattes"] == "net and plate"
    assert (metrics["frames"], metrics["held_out_frames"]) == (64, 12)


def test_the_run_is_what_exporters_read(trained, filmed):
    folder, metrics, _ = trained
    run = read_avatar_run(folder)
    assert run.name == "Ada" and run.consent.kind == "synthetic"
    assert len(run.anchor) == metrics["gaussians"]
    assert run.maps.shape[0] == 4 and np.isfinite(run.static).all()
    assert (run.lift_m > 0).any()  # hair
    low, high = run.bounds_m
    assert (low < run.vertices.min(0) + 0.05).all() and (high > run.vertices.max(0) - 0.05).all()
    text = (folder / "metrics.json").read_text()
    assert json.loads(text)["held_out"] == metrics["held_out"]
    assert str(filmed.film.parent) not in json.dumps(run.metrics)
    assert (folder / "report.html").exists()


def test_its_steps_are_reported(trained):
    _, _, stages = trained
    order = list(dict.fromkeys(stages))
    hair = "telling hair from background"
    assert order == ["reading the film", "reading the mesh", hair, "training splats", "baking"]


def test_another_run_in_its_folder_is_refused(trained, filmed):
    folder, _, _ = trained
    other = TrainAvatarConfig(filmed.rig, folder, **{**SMALL, "size": 160})
    with pytest.raises(InputError, match="avatar"):
        train_avatar(other, True)


@pytest.mark.parametrize(("size", "device", "words"), [
    (63, "cpu", "size is 63, expected 64 to 1024"),
    (1025, "cpu", "size is 1025, expected 64 to 1024"),
    (128, "gpu", "gpu"),
])  # fmt: skip
def test_options_out_of_range(size, device, words, tmp_path):
    with pytest.raises(InputError, match=words):
        TrainAvatarConfig(tmp_path, size=size, device=device)


@pytest.mark.parametrize(("kind", "statement", "words"), [
    ("none", "Words.", "--consent is 'none', expected one of synthetic, self, given, public"),
    ("given", " ", "give both or neither"),
    (None, "Words.", "give both or neither"),
])  # fmt: skip
def test_consent_is_checked_before_all_else(kind, statement, words, tmp_path):
    with pytest.raises(InputError, match=words):
        TrainAvatarConfig(tmp_path, consent=kind, consent_statement=statement)


def test_a_folder_without_a_performance_is_refused(filmed, tmp_path):
    rig = tmp_path / "rig"
    rig.mkdir()
    for path in filmed.rig.iterdir():
        if path.name != "performance.npz":
            (rig / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"performance\.npz"):
        train_avatar(TrainAvatarConfig(rig, tmp_path / "out", device="cpu"), True)


def test_a_short_take_is_refused_before_any_training(filmed, tmp_path, monkeypatch):
    from mien_training.avatar import train

    def shorter(rig, *rest):
        found = own_footage(rig, *rest)
        lost = np.arange(64) > 20
        return replace(found, performance=replace(found.performance, lost=lost))

    own_footage = train.own_footage
    monkeypatch.setattr(train, "own_footage", shorter)
    with pytest.raises(InputError, match=r"21 frames .* expected at least 60"):
        train_avatar(TrainAvatarConfig(filmed.rig, tmp_path / "out", device="cpu"), True)


def test_the_exported_character_shows_it(trained, filmed, tmp_path):
    """Package and runtime, on held-out frames of the film: as near as training says."""
    folder, metrics, _ = trained
    person = read_person(filmed.rig)[0]
    film, crops = read_film(person, own_footage(filmed.rig), 128)
    masks = mesh_masks(film)
    with ProgressBars(True) as bars:
        film, _ = matted(film, crops, masks, None, bars)
    rig = drop_still_shapes(rig_from_template(person, "Ada")[0])
    run = read_avatar_run(folder)
    path = build_character(
        tmp_path / "ada.mien", rig, tiny_animator(channels=len(rig.shape_names)),
        channels=rig.shape_names, features=FEATURES, licence="CC0-1.0", consent=run.consent,
        avatar=run, allow_bake_loss=True,
    )  # fmt: skip
    character = mien.load(path)
    columns = [person.shape_names.index(name) for name in character.channel_names]

    def draw(frame):
        turn = np.diag([1.0, -1, -1]) @ film.camera_from_rig[frame, :3, :3]
        shown = mien.Frame(
            0.0, character.channel_names, film.weights[frame, columns],
            quaternion_from_matrix(turn).astype(np.float32), np.zeros(3, np.float32),
            IDENTITY.astype(np.float32), IDENTITY.astype(np.float32), np.zeros(0, np.float32), 1.0,
        )  # fmt: skip
        splats = character.avatar().splats(shown)
        return draw_splats(splats, film.camera(frame), 128, 128)

    found = psnr_by_region(film, {"head": masks.covered}, list(film.held_out), draw)
    assert found["head"] == pytest.approx(metrics["held_out"]["avatar"]["head"], abs=0.2)
    assert found["alpha"] == pytest.approx(metrics["held_out"]["avatar"]["alpha"], abs=0.005)
