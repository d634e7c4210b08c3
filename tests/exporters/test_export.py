"""Run folder -> package: sound, deterministic, bound by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.packages import FEATURES, tiny_animator
from support.rigs import sphere_rig
from support.runs import CONSENT, finished_run

from mien.clip import Clip
from mien.errors import ChannelError, InputError, PackageError
from mien.glb import read_weights_animation
from mien.package import read_package, verify_package
from mien.rig import Rig
from mien_exporters.export import (
    ExportConfig,
    build_character,
    character_id,
    export_runs,
    run,
)
from mien_exporters.gltf import rig_to_glb
from mien_exporters.run_folder import write_animator_run


def test_run_folder_to_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_animator_run(tmp_path / "run", finished_run())
    times = np.arange(20) / 30
    take = Clip(("jawOpen", "headYaw"), times, np.random.default_rng(0).random((20, 2)))
    take.write(tmp_path / "talk.npz")
    config = ExportConfig(
        runs=(tmp_path / "run",),
        out=tmp_path / "anna.mien",
        clips=(tmp_path / "talk.npz",),
        json=True,
    )
    assert run(config) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["channels"] == 3 and report["clips"] == ["talk"]
    assert verify_package(tmp_path / "anna.mien").problems == ()
    package = read_package(tmp_path / "anna.mien")
    assert package.manifest.channels == ("mouthSmileLeft", "jawOpen", "browInnerUp")
    assert package.manifest.id.startswith("anna-kugel-")
    assert package.manifest.provenance["animator"]["metrics"]["vertex_error_mm"] == 0.31
    moving = read_weights_animation(package.read_bytes("character.glb"), "talk")
    np.testing.assert_array_equal(moving["jawOpen"], take["jawOpen"])
    (tmp_path / "back.npz").write_bytes(package.read_bytes("clips/talk.npz"))
    np.testing.assert_array_equal(Clip.read(tmp_path / "back.npz").values, take.values)


def test_an_export_takes_the_runs_glb_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Normal deltas are computed once, when the run is written; the bytes are the same."""
    source = finished_run()
    write_animator_run(tmp_path / "run", source)
    talk = Clip(("jawOpen", "headYaw"), np.arange(9) / 30, np.full((9, 2), 0.5))
    talk.write(tmp_path / "talk.npz")
    expected = rig_to_glb(replace(source.rig, name="Bea"), {"talk": talk})

    def refuse(rig: Rig) -> None:
        raise AssertionError("normal deltas are computed again")

    monkeypatch.setattr("mien_exporters.gltf.normal_deltas", refuse)
    export_runs(
        ExportConfig(
            runs=(tmp_path / "run",),
            out=tmp_path / "b.mien",
            clips=(tmp_path / "talk.npz",),
            name="Bea",
        )
    )
    assert read_package(tmp_path / "b.mien").read_bytes("character.glb") == expected


def test_other_joints_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    rig = sphere_rig()
    joints = tuple(replace(j, name="nek") if j.name == "neck" else j for j in rig.joints)
    with pytest.raises(InputError, match=r"rig 'sphere': has no joint 'neck' \(its joints: head_"):
        build_character(
            tmp_path / "s.mien", replace(rig, joints=joints), tiny_animator(),
            channels=rig.shape_names, features=FEATURES, licence="CC0-1.0", consent=CONSENT,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_same_run_same_bytes(tmp_path: Path) -> None:
    source = finished_run()
    for folder in ("a", "b"):
        write_animator_run(tmp_path / folder, source)
        run(ExportConfig(runs=(tmp_path / folder,), out=tmp_path / f"{folder}.mien"))
    assert (tmp_path / "a.mien").read_bytes() == (tmp_path / "b.mien").read_bytes()


def test_still_shapes_leave_glb_and_channels_alike(tmp_path: Path) -> None:
    rig = sphere_rig()
    names = (*rig.shape_names, "tongueOut")
    still = np.concatenate([rig.shape_deltas, np.zeros_like(rig.shape_deltas[:1])])
    rig = replace(rig, shape_names=names, shape_deltas=still)
    build_character(
        tmp_path / "s.mien", rig, tiny_animator(), channels=names[:3], features=FEATURES,
        licence="CC0-1.0", consent=CONSENT,
    )  # fmt: skip
    assert "tongueOut" not in read_package(tmp_path / "s.mien").rig().shape_names
    with pytest.raises(ChannelError, match="only the animator: tongueOut"):
        build_character(
            tmp_path / "t.mien", rig, tiny_animator(channels=4), channels=names,
            features=FEATURES, licence="CC0-1.0", consent=CONSENT,
        )  # fmt: skip


def test_a_misfitting_animator_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="channels has shape"):
        build_character(
            tmp_path / "s.mien", sphere_rig(), tiny_animator(channels=5),
            channels=sphere_rig().shape_names, features=FEATURES, licence="CC0-1.0",
            consent=CONSENT,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_unfinished_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json: cannot be read.*mien train animator"):
        run(ExportConfig(runs=(tmp_path,), out=tmp_path / "x.mien"))
    with pytest.raises(InputError, match=r"ending in \.mien"):
        run(ExportConfig(runs=(tmp_path,), out=tmp_path / "x.zip"))


def test_id_is_plain_and_follows_the_content() -> None:
    assert character_id("Zoë  Müller!", b"a") == character_id("Zoë  Müller!", b"a")
    assert character_id("Zoë", b"a") != character_id("Zoë", b"b")
    assert character_id("日本", b"").startswith("character-")
