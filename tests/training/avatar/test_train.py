"""A film in, a run out that the exporters read: small, but every step of it."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from support.packages import FEATURES, tiny_animator

import mien
from mien.avatar import draw_splats
from mien.errors import InputError
from mien.rotation import IDENTITY, quaternion_from_matrix
from mien_exporters.avatar.avatar_run import read_avatar_run, with_eight_bit_maps
from mien_exporters.avatar.volume.volume_run import read_volume_run
from mien_exporters.export import build_character
from mien_exporters.gltf_mesh import drop_still_shapes
from mien_training.avatar import train
from mien_training.avatar.bake.linear_bake import BakeConfig
from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.avatar.film.read_film import read_film
from mien_training.avatar.judge import psnr_by_region
from mien_training.avatar.mattes.film_mattes import matted
from mien_training.avatar.splats.train_splats import SplatsConfig
from mien_training.avatar.train import TrainAvatarConfig, train_avatar
from mien_training.avatar.volume.volume_config import SIZES, VolumeConfig
from mien_training.footage.own_footage import own_footage
from mien_training.head import rig_from_template
from mien_training.runs.progress import ProgressBars
from mien_training.templates.person import read_person

SMALL = {
    "size": 128,
    "splats": SplatsConfig(
        network="codes", atlas=64, widths=(4, 8, 8), steps=100
    ),
    "volume": VolumeConfig(steps=30),
    "bake": BakeConfig(bases=4, hidden=16, invented=8, steps=100),
    "consent": "synthetic",
    "consent_statement": "Drawn by a program.",
    "device": "cpu",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def alone(one_thread):
    """Sums in one order."""


@pytest.fixture(scope="module")
def tiny_volume():
    """Thin networks and few samples."""
    small = replace(
        SIZES["small"], widths=(4, 8), features=8, width=16, colour_width=8, samples=(3, 2),
        rays=64,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mien_training.avatar.volume.volume_config.SIZES", dict(SIZES, small=small))
        patch.setattr("mien_training.avatar.avatar_report._SHOWN", 2)
        yield


@pytest.fixture(scope="module")
def one_atlas():
    """The anchors are laid out once for all tests."""
    atlas_of, found = train.AnchorAtlas.of, {}

    def laid_out(person):
        if "atlas" not in found:
            found["atlas"] = atlas_of(person)
        return found["atlas"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "AnchorAtlas", SimpleNamespace(of=laid_out))
        yield


@pytest.fixture
def read_once(monkeypatch, film_cache, one_atlas):
    """The film is read once for these tests, and figures are of one frame."""
    for name in ("read_film", "mesh_masks", "matted", "TexturedMesh"):
        made = getattr(train, name)

        def kept(*given, name=name, made=made):
            if name not in film_cache:
                film_cache[name] = made(*given)
            return film_cache[name]

        monkeypatch.setattr(train, name, kept)
    monkeypatch.setattr(train, "_TABLED", 1)


@pytest.fixture(scope="module")
def film_cache():
    """Name -> what was made of the film."""
    return {}


@pytest.fixture(scope="module")
def trained(filmed, one_atlas, tmp_path_factory, tiny_volume):
    """The run's folder, its metrics and the stages that were reported, of both kinds."""
    folder = tmp_path_factory.mktemp("trained") / "avatar"
    stages = []
    config = TrainAvatarConfig(filmed.rig, folder, kind="both", **SMALL)
    metrics = train_avatar(config, True, lambda progress: stages.append(progress.stage))
    return folder, metrics, stages


def test_it_beats_the_mean_image(trained):
    _, metrics, _ = trained
    held = metrics["held_out"]
    assert set(held) == {"splats", "splats unbaked", "volume", "textured mesh", "mean image"}
    for way in ("splats", "splats unbaked", "textured mesh"):
        assert held[way]["head"] > held["mean image"]["head"] + 3, way
    assert "beyond the mesh" in held["splats"] and set(held["splats"]) == set(held["volume"])
    splats, volume = metrics["splats"], metrics["volume"]
    assert splats["bake_loss_db"] == held["splats unbaked"]["head"] - held["splats"]["head"]
    assert 0 <= splats["bake_unexplained"] < 1
    assert (splats["steps"], volume["steps"]) == (100, 30)
    assert min(splats["wall_s"], splats["cpu_s"], volume["wall_s"], volume["cpu_s"]) > 0
    assert metrics["mattes"] == "net and plate"
    assert (metrics["frames"], metrics["held_out_frames"]) == (64, 12)


def test_the_run_is_what_exporters_read(trained, filmed):
    folder, metrics, _ = trained
    run = read_avatar_run(folder)
    assert run.name == "Ada" and run.consent.kind == "synthetic"
    assert len(run.anchor) == metrics["splats"]["gaussians"]
    assert run.maps.shape[0] == 4 and np.isfinite(run.static).all()
    assert (run.lift_m > 0).any()  # hair
    packed = with_eight_bit_maps(run)[2].maps
    np.testing.assert_allclose(run.maps, packed, rtol=1e-6)  # so the figures are of what is packed
    low, high = run.bounds_m
    assert (low < run.vertices.min(0) + 0.05).all() and (high > run.vertices.max(0) - 0.05).all()
    text = (folder / "metrics.json").read_text()
    assert json.loads(text)["held_out"] == metrics["held_out"]
    assert str(filmed.film.parent) not in json.dumps(run.metrics)
    assert (folder / "report.html").exists()
    volume = read_volume_run(folder)
    assert volume.name == "Ada" and volume.metrics == run.metrics
    np.testing.assert_array_equal(volume.vertices, run.vertices)
    assert (volume.bounds_m[0] < run.vertices.min(0)).all()


def test_its_steps_are_reported(trained):
    _, _, stages = trained
    order = list(dict.fromkeys(stages))
    assert order == [
        "reading the film", "reading the mesh", "telling hair from background",
        "training splats", "baking", "training the volume",
    ]  # fmt: skip


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
    run, volume = read_avatar_run(folder), read_volume_run(folder)
    path = build_character(
        tmp_path / "ada.mien", rig, tiny_animator(channels=len(rig.shape_names)),
        channels=rig.shape_names, features=FEATURES, licence="CC0-1.0", consent=run.consent,
        avatar=run, allow_bake_loss=True, volume=volume,
    )  # fmt: skip
    character = mien.load(path)
    assert character.avatars == ("splats", "volume")
    for told, steps in ((run.provenance, 100), (volume.provenance, 30)):
        assert (told["steps"], told["seed"]) == (steps, 0)
        assert told["config"]["rig"] == filmed.rig.name
        assert str(filmed.rig.parent) not in json.dumps(told)
    columns = [person.shape_names.index(name) for name in character.channel_names]

    def shown(frame, turned):
        turn = np.diag([1.0, -1, -1]) @ film.camera_from_rig[frame, :3, :3]
        still = IDENTITY.astype(np.float32)
        head = quaternion_from_matrix(turn).astype(np.float32) if turned else still
        return mien.Frame(
            0.0, character.channel_names, film.weights[frame, columns], head,
            np.zeros(3, np.float32), still, still, np.zeros(0, np.float32), 1.0,
        )  # fmt: skip

    def draw(frame):
        splats = character.avatar("splats").splats(shown(frame, True))
        return draw_splats(splats, film.camera(frame), 128, 128)

    found = psnr_by_region(film, {"head": masks.covered}, list(film.held_out), draw)
    assert found["head"] == pytest.approx(metrics["held_out"]["splats"]["head"], abs=0.2)
    assert found["alpha"] == pytest.approx(metrics["held_out"]["splats"]["alpha"], abs=0.005)

    def draw_volume(frame):
        # The camera of a film turns around the head: the frame's own head stays.
        picture = character.avatar("volume").image(
            shown(frame, False), film.camera(frame), 128, 128
        )
        return picture.premultiplied

    found = psnr_by_region(film, {"head": masks.covered}, list(film.held_out), draw_volume)
    assert found["head"] == pytest.approx(metrics["held_out"]["volume"]["head"], abs=0.02)
    assert found["alpha"] == pytest.approx(metrics["held_out"]["volume"]["alpha"], abs=0.0005)


def test_either_kind_goes_on_where_it_was(filmed, tmp_path, tiny_volume, read_once):
    config = TrainAvatarConfig(filmed.rig, tmp_path / "out", kind="both", **SMALL)
    few = {"splats": replace(config.splats, steps=4), "volume": VolumeConfig(steps=4)}
    config = replace(config, **few, bake=replace(config.bake, steps=1))
    for stage in ("training splats", "training the volume"):

        def interrupt(progress, stage=stage):
            if progress.stage == stage:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train_avatar(config, True, interrupt)
    assert (config.out / "checkpoint_splats.pt").exists()
    assert not (config.out / "checkpoint_volume.pt").exists()
    stages = []
    train_avatar(config, True, lambda progress: stages.append(progress.stage))
    assert "training splats" not in stages and stages.count("training the volume") == 4


def test_changed_mattes_are_another_run(filmed, tmp_path, monkeypatch):
    def stop(*given):
        (config.out / "begun").touch()
        raise KeyboardInterrupt

    mattes = tmp_path / "mattes"
    mattes.mkdir()
    (mattes / "0.png").write_bytes(b"one")
    config = TrainAvatarConfig(filmed.rig, tmp_path / "out", mattes=mattes, **SMALL)
    monkeypatch.setattr(train, "read_film", stop)
    with pytest.raises(KeyboardInterrupt):
        train_avatar(config, True)
    (mattes / "0.png").write_bytes(b"another")
    with pytest.raises(InputError, match="changed since this run began: mattes"):
        train_avatar(config, True)


def test_what_nothing_is_learnt_from_may_be_told_later(filmed, tmp_path, read_once):
    """Consent, bake and report are taken anew; the training stays."""
    config = TrainAvatarConfig(filmed.rig, tmp_path / "out", **SMALL)
    config = replace(
        config, splats=replace(config.splats, steps=3), consent=None, consent_statement="",
        bake=replace(config.bake, bases=2, steps=1),
    )  # fmt: skip
    train_avatar(config, True)
    first, report = read_avatar_run(config.out), (config.out / "report.html").read_bytes()
    assert first.consent is None and len(first.maps) == 2
    other = replace(
        config, consent="given", consent_statement="Ada said so.", show_frames=False,
        bake=replace(config.bake, bases=3),
    )  # fmt: skip
    stages = []
    metrics = train_avatar(other, True, lambda progress: stages.append(progress.stage))
    assert "training splats" not in stages and "baking" in stages
    again = read_avatar_run(config.out)
    assert again.consent.statement == "Ada said so." and len(again.maps) == 3
    assert metrics["config"]["bake"]["bases"] == 3
    assert (config.out / "report.html").read_bytes() != report
    with pytest.raises(InputError, match=r"splats\.steps is 3 there, 4 here"):
        train_avatar(replace(other, splats=replace(config.splats, steps=4)), True)


def test_minutes_are_steps_of_this_run(filmed, tmp_path, tiny_volume, read_once, monkeypatch):
    monkeypatch.setattr(
        "mien_training.avatar.step_budget._step_s", lambda train, clock: train(print) or 20.0
    )
    small = {**SMALL, "volume": VolumeConfig()}
    config = TrainAvatarConfig(filmed.rig, tmp_path / "out", kind="volume", minutes=1, **small)
    metrics = train_avatar(config, True)
    assert json.loads((config.out / "steps.json").read_text()) == {"volume": 3}
    assert metrics["volume"]["steps"] == 3 and "splats" not in metrics["held_out"]
    assert not (config.out / "avatar.json").exists() and read_volume_run(config.out).name == "Ada"
    with pytest.raises(InputError, match=r"minutes is 1 there, 2 here"):
        train_avatar(replace(config, minutes=2), True)


@pytest.mark.parametrize(("changes", "words"), [
    ({"kind": "mesh"}, "--kind is 'mesh', expected one of splats, volume, both"),
    ({"minutes": 0.0}, "--minutes is 0, expected above 0"),
    ({"kind": "volume", "volume": VolumeConfig(anchoring="surface")}, "only anchoring `nearest`"),
    ({"kind": "both", "volume": VolumeConfig(posed=False)}, "only anchoring `nearest`, posed"),
])  # fmt: skip
def test_what_cannot_be_learnt_or_packed_is_refused_first(changes, words, tmp_path):
    with pytest.raises(InputError, match=words):
        TrainAvatarConfig(tmp_path, **changes)
