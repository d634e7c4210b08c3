"""A detail run's folder: what is written is read back; what does not fit is refused."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from support.wrinkles import sphere_detail

from mien.errors import InputError
from mien_exporters.detail.detail_run import DETAIL_RECORD, read_detail_run, write_detail_run


def test_round_trip(tmp_path):
    run = replace(sphere_detail(), skin=np.full((8, 8, 3), 90, np.uint8))
    write_detail_run(tmp_path, run)
    back = read_detail_run(tmp_path)
    for field in fields(run):
        one, other = getattr(run, field.name), getattr(back, field.name)
        if isinstance(one, np.ndarray):
            np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-7, err_msg=field.name)
        elif field.name == "layers":
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
        else:
            assert one == other, field.name


@pytest.mark.parametrize(
    "change",
    [
        {"maps": np.zeros((2, 32, 32), np.float32)},
        {"maps": np.full((3, 32, 32), np.nan, np.float32)},
        {"masks": np.zeros((3, 16, 16), np.float32)},
        {"places": np.zeros((3, 2), np.float32)},
        {"layers": ()},
        {"layers": (np.zeros((4, 5), np.float32),)},
        {"tangent_from_atlas": np.zeros((2, 2, 16, 16), np.float32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_arrays_that_do_not_fit_are_refused(change):
    with pytest.raises(InputError, match="detail of 'Sphere'"):
        replace(sphere_detail(), **change)


def test_unfinished_and_damaged_folders_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"detail\.json: not there"):
        read_detail_run(tmp_path)
    write_detail_run(tmp_path, sphere_detail())
    whole = (tmp_path / "detail.npz").read_bytes()
    (tmp_path / "detail.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"detail\.npz: missing or damaged"):
        read_detail_run(tmp_path)
    (tmp_path / "detail.npz").write_bytes(whole)
    record = json.loads((tmp_path / DETAIL_RECORD).read_text())
    for change, match in (
        ({"kind": "animator"}, "'kind'"),
        ({"intensity": 3}, "'intensity'"),
        ({"layers": 7}, "damaged"),
    ):
        (tmp_path / DETAIL_RECORD).write_text(json.dumps({**record, **change}))
        with pytest.raises(InputError, match=match):
            read_detail_run(tmp_path)


def test_provenance_must_be_plain(tmp_path):
    with pytest.raises(InputError, match="provenance"):
        write_detail_run(tmp_path, replace(sphere_detail(), provenance={"x": {1}}))
    assert not list(tmp_path.glob("*"))
