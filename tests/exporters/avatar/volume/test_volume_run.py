"""A volume's run folder: what is written is read back; what does not fit is refused."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from support.volume_avatars import SHAPE, sphere_volume

from mien.avatar import Anchors
from mien.errors import InputError
from mien_exporters.avatar.volume.volume_run import (
    VOLUME_RECORD,
    read_volume_run,
    write_volume_run,
)

RUN = sphere_volume()


def test_round_trip(tmp_path):
    write_volume_run(tmp_path, RUN)
    back = read_volume_run(tmp_path)
    for field in fields(RUN):
        one, other = getattr(RUN, field.name), getattr(back, field.name)
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(other, one, err_msg=field.name)
        elif isinstance(one, Anchors):
            for part in fields(Anchors):
                mine, theirs = getattr(one, part.name), getattr(other, part.name)
                np.testing.assert_array_equal(theirs, mine, err_msg=part.name)
        elif field.name == "weights":
            assert one.keys() == other.keys()
            assert all(np.array_equal(one[name], other[name]) for name in one)
        else:
            assert one == other, field.name
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_volume_run(tmp_path, RUN)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    write_volume_run(tmp_path, replace(RUN, consent=None))
    assert read_volume_run(tmp_path).consent is None


def weights(**changes):
    return {"weights": {**RUN.weights, **{n.replace("__", "."): a for n, a in changes.items()}}}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"chosen": np.array([999])}, "chosen"),
        ({"thickness_m": RUN.thickness_m[:-1]}, "thickness_m"),
        ({"still": RUN.still[:1]}, "still"),
        ({"network": "mlp"}, "network is 'mlp'"),
        (weights(static=RUN.weights["static"][:, :-1]), "weights of static"),
        (weights(own=RUN.weights["own"][:-1]), "weights of own"),
        (weights(fine__density__weight=np.zeros((1, 3))), "fine.density.weight"),
        (weights(network__first__bias=np.full(4, np.inf)), "network.first.bias must be finite"),
        ({"weights": {}}, "weights of static"),
        ({"channel_names": ("a", "b", "a")}, "twice"),
        ({"vertices": RUN.vertices[:-1]}, "vertices"),
        ({"vertices": np.full_like(RUN.vertices, np.nan)}, "finite"),
        ({"bounds_m": RUN.bounds_m[::-1]}, "bounds_m"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, told):
    with pytest.raises(InputError, match=rf"volume of 'Sphere': .*{told}"):
        replace(RUN, **change)


@pytest.mark.parametrize("name", ["longest_m", "coarse_samples", "reach_m", "solid_m"])
def test_numbers_of_the_field_are_above_0(name):
    with pytest.raises(InputError, match=f"{name} is 0"):
        replace(SHAPE, **{name: 0})


def test_unfinished_damaged_and_foreign_folders_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"volume\.json: not there.*mien train avatar"):
        read_volume_run(tmp_path)
    write_volume_run(tmp_path, RUN)
    arrays, record = tmp_path / "volume.npz", tmp_path / VOLUME_RECORD
    whole, told = arrays.read_bytes(), json.loads(record.read_text())
    arrays.write_bytes(whole[:-9])
    with pytest.raises(InputError, match=r"volume\.npz: is not the one that volume\.json"):
        read_volume_run(tmp_path)
    arrays.unlink()
    with pytest.raises(InputError, match=r"volume\.npz: missing or damaged"):
        read_volume_run(tmp_path)
    arrays.write_bytes(whole)
    for change, words in (
        ({"method": "splats"}, "'method' is 'splats', expected 'volume'"),
        ({"field": {}}, "'longest_m' is missing"),
        ({"map": 0}, "'map'"),
    ):
        record.write_text(json.dumps({**told, **change}))
        with pytest.raises(InputError, match=words):
            read_volume_run(tmp_path)
