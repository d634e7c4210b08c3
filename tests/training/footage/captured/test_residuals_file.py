"""residuals.npz: a round trip, and every damage named."""

import json

import numpy as np
import pytest
from support.captured import camera_residuals

from mien.errors import InputError
from mien_training.footage.captured import read_residuals, write_residuals


def test_round_trip(tmp_path):
    residuals = camera_residuals(lens=True)
    write_residuals(tmp_path / "residuals.npz", residuals)
    back = read_residuals(tmp_path)
    assert back.names == residuals.names
    for name in ("time_s", "moment", "camera", "vertex", "pixel", "point", "certainty"):
        np.testing.assert_array_equal(getattr(back, name), getattr(residuals, name))
        assert getattr(back, name).dtype == getattr(residuals, name).dtype
    for a, b in zip(back.cameras, residuals.cameras, strict=True):
        assert type(a) is type(b) and (a.width, a.height) == (b.width, b.height)
        np.testing.assert_array_equal(a.camera_from_world, b.camera_from_world)
        xy = np.array([[0.1, -0.2]])
        np.testing.assert_array_equal(a.distorted(xy), b.distorted(xy))


def test_every_array_has_an_axis_name_for_each_axis(tmp_path):
    write_residuals(tmp_path / "residuals.npz", camera_residuals())
    with np.load(tmp_path / "residuals.npz") as arrays:
        axes = json.loads(arrays["axes"].item())
        for name in set(arrays.files) - {"axes", "format"}:
            assert len(axes[name]) == arrays[name].ndim


@pytest.mark.parametrize(
    "damage",
    [{"format": np.array(9)}, {"pixel": None}, {"camera": np.zeros(3)}, {"lens": np.zeros((2, 3))},
     {"K": np.zeros((4, 3, 3))}, {"certainty": np.zeros(3)}],
    ids=lambda d: next(iter(d)),
)  # fmt: skip
def test_damage_names_file_and_field(tmp_path, damage):
    path = tmp_path / "residuals.npz"
    write_residuals(path, camera_residuals())
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    for name, value in damage.items():
        kept.pop(name)
        if value is not None:
            kept[name] = value
    np.savez(path, **kept)
    with pytest.raises(InputError, match=f"residuals.npz.*{next(iter(damage))}"):
        read_residuals(path)


def test_what_is_not_there_says_what_was_expected(tmp_path):
    with pytest.raises(InputError, match="mien capture"):
        read_residuals(tmp_path)
