"""meshes.npz: a round trip, and every damage named."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.captured import captured_meshes

from mien.errors import InputError
from mien_training.footage.captured import read_meshes, write_meshes


def test_round_trip(tmp_path: Path) -> None:
    meshes = captured_meshes(moments=3, vertices=5, failure=("", "no head", ""))
    write_meshes(tmp_path / "meshes.npz", meshes)
    back = read_meshes(tmp_path)
    assert back.failure == meshes.failure and back.template == meshes.template
    for name in ("vertices", "world_from_head", "confidence", "views", "spread_m", "time_s"):
        np.testing.assert_array_equal(getattr(back, name), getattr(meshes, name))
        assert getattr(back, name).dtype == getattr(meshes, name).dtype


def test_every_array_has_an_axis_name_for_each_axis(tmp_path: Path) -> None:
    write_meshes(tmp_path / "meshes.npz", captured_meshes(moments=2, vertices=5))
    with np.load(tmp_path / "meshes.npz") as arrays:
        axes = json.loads(arrays["axes"].item())
        for name in set(arrays.files) - {"axes", "format", "template", "topology_sha256"}:
            assert len(axes[name]) == arrays[name].ndim


@pytest.mark.parametrize(
    "damage", [{"format": np.array(9)}, {"vertices": None}, {"views": np.zeros(3)}, {"frame": None}]
)
def test_damage_names_file_and_field(tmp_path: Path, damage: dict) -> None:
    path = tmp_path / "meshes.npz"
    write_meshes(path, captured_meshes(moments=2, vertices=5))
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    for name, value in damage.items():
        kept.pop(name)
        if value is not None:
            kept[name] = value
    np.savez(path, **kept)
    with pytest.raises(InputError, match=f"meshes.npz.*{next(iter(damage))}"):
        read_meshes(path)


def test_what_is_not_there_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mien capture"):
        read_meshes(tmp_path)
