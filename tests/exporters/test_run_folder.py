"""What a training run hands over: written and read alike, refused when unfinished."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.runs import finished_run

from mien.errors import InputError
from mien_exporters.run_folder import read_animator_run, write_animator_run


def test_round_trip(tmp_path: Path) -> None:
    source = replace(finished_run(), preview_png=b"png")
    write_animator_run(tmp_path, source)
    back = read_animator_run(tmp_path)
    for field in ("name", "channels", "features", "licence", "consent", "rate_hz", "provenance"):
        assert getattr(back, field) == getattr(source, field), field
    assert (back.animator_onnx, back.preview_png) == (source.animator_onnx, b"png")
    np.testing.assert_array_equal(back.rig.shape_deltas, source.rig.shape_deltas)


def test_the_record_comes_last(tmp_path: Path) -> None:
    """A folder with run.json is complete; provenance that is no JSON leaves none behind."""
    broken = replace(finished_run(), provenance={"metrics": np.zeros(3)})
    with pytest.raises(InputError, match=r"run\.json: provenance is not plain JSON"):
        write_animator_run(tmp_path, broken)
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize("name", ["run.json", "rig.glb", "animator.onnx"])
def test_missing_files_are_named(tmp_path: Path, name: str) -> None:
    write_animator_run(tmp_path, finished_run())
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"{name}: cannot be read .No such file"):
        read_animator_run(tmp_path)


def test_fields_are_named(tmp_path: Path) -> None:
    write_animator_run(tmp_path, finished_run())
    record = json.loads((tmp_path / "run.json").read_text())
    for key in ("channels", "features", "licence", "consent", "rate_hz", "kind"):
        (tmp_path / "run.json").write_text(
            json.dumps({k: v for k, v in record.items() if k != key})
        )
        with pytest.raises(InputError, match=f"run.json: field '{key}' is missing"):
            read_animator_run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({**record, "kind": "avatar"}))
    with pytest.raises(InputError, match="field 'kind' is 'avatar', expected 'animator'"):
        read_animator_run(tmp_path)
