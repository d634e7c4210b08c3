"""A volume in a package: the same bytes every time, of this person, with their consent."""

from dataclasses import replace

import numpy as np
import pytest
from support.rigs import sphere_rig
from support.runs import finished_run
from support.splat_avatars import CONSENT, sphere_avatar
from support.volume_avatars import sphere_volume

import mien
from mien.consent import Consent
from mien.errors import InputError
from mien.model_signature import read_signature
from mien_exporters.avatar.avatar_run import write_avatar_run
from mien_exporters.avatar.volume.volume_files import (
    check_volume,
    volume_files,
    volume_provenance,
)
from mien_exporters.avatar.volume.volume_run import write_volume_run
from mien_exporters.export import ExportConfig, export_runs
from mien_exporters.run_folder import write_animator_run

RUN, RIG = sphere_volume(), sphere_rig()


def test_the_same_run_gives_the_same_bytes():
    files, entry = volume_files(RUN, RUN.channel_names, "Ada")
    again, same = volume_files(sphere_volume(), RUN.channel_names, "Ada")
    assert files == again and entry == same
    assert entry.synthetic_mark == "Synthetic image of Ada, made by a trained model (mien)."
    assert set(files) == set(entry.files.values())
    table = (entry.anchors, entry.width)
    for name in ("features", "coarse", "field"):
        signature = read_signature(files[entry.files[name]], name)
        assert name != "features" or all(t.shape[1:] == table for t in signature.outputs)
    assert volume_provenance(RUN) == {"seed": 0, "metrics": {"psnr_db": 28.5}}


REFUSED = {
    "nobody said": ({"consent": None}, CONSENT, "nobody has said why"),
    "a real person": (
        {"consent": Consent("given", "In writing.")}, CONSENT, "shows a real person"
    ),
    "another person": ({"vertices": RUN.vertices + 0.001}, CONSENT, "up to 1.0 mm from"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_whom_it_shows_is_asked(name):
    changes, consent, words = REFUSED[name]
    with pytest.raises(InputError, match=f"volume of 'Sphere': .*{words}"):
        check_volume(replace(RUN, **changes), RIG, consent)


def test_another_mesh_is_refused():
    with pytest.raises(InputError, match="expected the avatar of the same rig"):
        check_volume(RUN, sphere_rig(rows=10), CONSENT)


@pytest.fixture(scope="module")
def animator_run(tmp_path_factory):
    """The folder of a finished animator of the same rig."""
    folder = tmp_path_factory.mktemp("animator")
    write_animator_run(folder, finished_run())
    return folder


@pytest.mark.parametrize("kinds", [("volume",), ("splats", "volume")])
def test_export_packs_what_the_folder_holds(animator_run, tmp_path, kinds):
    folder = tmp_path / "avatar"
    write_volume_run(folder, RUN)
    if "splats" in kinds:
        write_avatar_run(folder, sphere_avatar(RIG))
    report = export_runs(ExportConfig((animator_run, folder), tmp_path / "s.mien"))
    assert report["volume_anchors"] == len(RUN.model)
    character = mien.load(tmp_path / "s.mien")
    assert character.avatars == kinds
    told = character.manifest.provenance
    assert told["volume"]["metrics"] == {"psnr_db": 28.5} and ("avatar" in told) == (
        "splats" in kinds
    )
    assert np.isfinite(character.avatar("volume").bounds()).all()


@pytest.mark.parametrize("kept", ["volume", "splats"])
def test_a_training_of_both_kinds_that_left_one_is_not_finished(kept, animator_run, tmp_path):
    """It was stopped between the two; or went on with another consent, and was stopped then."""
    both = {"provenance": {"config": {"kind": "both"}}}
    volume, splats = replace(RUN, **both), sphere_avatar(RIG, **both)
    folder, out = tmp_path / "avatar", tmp_path / "s.mien"
    folder.mkdir()
    if kept == "volume":
        write_volume_run(folder, volume)
    else:
        write_avatar_run(folder, splats)
    with pytest.raises(
        InputError, match="avatar: not finished: it was to hold splats and a volume"
    ):
        export_runs(ExportConfig((animator_run, folder), out))
    write_avatar_run(folder, splats)
    write_volume_run(folder, replace(volume, consent=Consent("given", "In writing.")))
    with pytest.raises(InputError, match="avatar: not finished"):
        export_runs(ExportConfig((animator_run, folder), out))
    write_volume_run(folder, volume)
    assert export_runs(ExportConfig((animator_run, folder), out))["gaussians"] > 0


def test_a_folder_without_any_record_is_not_finished(animator_run, tmp_path):
    (tmp_path / "avatar").mkdir()
    with pytest.raises(InputError, match=r"avatar: not finished: none of run\.json, .* is there"):
        export_runs(ExportConfig((animator_run, tmp_path / "avatar"), tmp_path / "s.mien"))
