"""A run becomes a package; who is shown must have agreed, and a bad bake is asked about."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.packages import FEATURES, tiny_animator
from support.rigs import sphere_rig
from support.runs import finished_run
from support.splat_avatars import CONSENT, avatar_package, sphere_avatar

from mien.consent import Consent
from mien.errors import InputError
from mien.package import read_package, verify_package
from mien_exporters.avatar.avatar_files import NETWORK, SPLATS, avatar_files
from mien_exporters.avatar.avatar_run import write_avatar_run
from mien_exporters.export import ExportConfig, build_character, run
from mien_exporters.run_folder import write_animator_run


def test_a_package_with_an_avatar_is_sound(tmp_path):
    path = avatar_package(tmp_path / "s.mien")
    report = verify_package(path)
    assert report.problems == () and {SPLATS, NETWORK} <= set(report.checked)
    (entry,) = read_package(path).manifest.avatars
    assert entry.gaussians == len(sphere_avatar().anchor)
    assert entry.consent == CONSENT and "Synthetic image of sphere" in entry.synthetic_mark
    other = avatar_package(tmp_path / "other.mien", sphere_avatar(seed=1))
    assert read_package(other).manifest.id != read_package(path).manifest.id
    again = avatar_package(tmp_path / "t.mien")
    assert again.read_bytes() == path.read_bytes()


def test_export_takes_an_avatar_run(tmp_path, capsys):
    write_animator_run(tmp_path / "run", finished_run())
    write_avatar_run(tmp_path / "avatar", sphere_avatar())
    runs = (tmp_path / "avatar", tmp_path / "run")
    assert run(ExportConfig(runs=runs, out=tmp_path / "a.mien", json=True)) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["gaussians"] == len(sphere_avatar().anchor)
    manifest = read_package(tmp_path / "a.mien").manifest
    (entry,) = manifest.avatars
    assert entry.channels == manifest.channels == ("mouthSmileLeft", "jawOpen", "browInnerUp")
    told = manifest.provenance["avatar"]
    assert told == {"seed": 0, "metrics": {"psnr_db": 30.5}, "bake_loss_db": 0.02}
    assert "Anna Kugel" in entry.synthetic_mark
    with pytest.raises(InputError, match="2 of an avatar given"):
        run(ExportConfig(runs=(*runs, tmp_path / "avatar"), out=tmp_path / "b.mien"))
    write_avatar_run(tmp_path / "avatar", sphere_avatar(bake_loss_db=0.3))
    with pytest.raises(InputError, match=r"lose 0\.30 dB.*--allow-bake-loss"):
        run(ExportConfig(runs=runs, out=tmp_path / "b.mien"))
    assert not (tmp_path / "b.mien").exists()
    run(ExportConfig(runs=runs, out=tmp_path / "b.mien", allow_bake_loss=True))


REAL = Consent("given", "Ada agreed in writing to a game character that looks like her.")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"consent": None}, "nobody has said why this person may be shown"),
        ({"consent": REAL}, "shows a real person"),
        ({"bake_loss_db": 0.11}, r"expected at most 0\.1"),
        ({"vertices": sphere_rig().vertices + np.float32(0.001)}, r"up to 1\.0 mm from"),
    ],
)
def test_what_may_not_go_into_a_character_is_refused(tmp_path, change, match):
    with pytest.raises(InputError, match=match):
        avatar_package(tmp_path / "s.mien", sphere_avatar(**change))
    assert not list(tmp_path.iterdir())


def test_another_mesh_is_refused(tmp_path):
    other = sphere_avatar(sphere_rig(rows=10))
    with pytest.raises(InputError, match="expected the avatar of the same rig"):
        avatar_package(tmp_path / "s.mien", other)


def test_real_people_who_agreed_may_be_shown(tmp_path):
    rig, agreed = sphere_rig(), sphere_avatar(consent=REAL)
    build_character(
        tmp_path / "s.mien", rig, tiny_animator(), channels=rig.shape_names, features=FEATURES,
        licence="CC0-1.0", consent=REAL, avatar=agreed,
    )  # fmt: skip
    with pytest.raises(InputError, match="no consent"):
        avatar_files(replace(agreed, consent=None), rig.shape_names)
