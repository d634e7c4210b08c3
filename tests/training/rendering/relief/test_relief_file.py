"""Relief survives the disk and comes at any size; damaged files are named."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.rendering.relief.relief_file import read_relief, write_relief
from mien_training.runs.cache import write_arrays


def test_round_trip(tmp_path):
    height = np.random.default_rng(0).normal(0, 1e-4, (32, 32)).astype(np.float32)
    write_relief(tmp_path, height)
    np.testing.assert_array_equal(read_relief(tmp_path, 32), height)
    assert read_relief(tmp_path, 64).shape == (64, 64)
    assert np.abs(read_relief(tmp_path, 64)).max() <= np.abs(height).max() * (1 + 1e-6)


@pytest.mark.parametrize(
    "arrays",
    [{}, {"height_m": np.zeros((3, 4))}, {"height_m": np.full((4, 4), np.nan)},
     {"height_m": np.zeros((4, 4), np.int64)}],
)  # fmt: skip
def test_damaged(tmp_path, arrays):
    write_arrays(tmp_path / "relief.npz", arrays)
    with pytest.raises(InputError, match=r"relief\.npz: field 'height_m'"):
        read_relief(tmp_path, 8)


def test_missing(tmp_path):
    with pytest.raises(InputError, match=r"relief\.npz: not there; .*--scan\.normals"):
        read_relief(tmp_path, 8)
