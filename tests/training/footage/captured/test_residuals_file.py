"""Residuals of cameras come back from their file, and their means know what was not seen."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.footage.captured import (
    RESIDUALS_FILE,
    CameraResiduals,
    read_residuals,
    write_residuals,
)
from mien_training.runs.cache import write_arrays


@pytest.fixture
def residuals():
    values = np.random.default_rng(0).normal(0, 1, (5, 3, 2)).astype(np.float32)
    values[1:, 1] = np.nan
    values[:, 2] = np.nan
    return CameraResiduals(("a", "b", "c"), np.arange(5), values)


def test_a_round_trip(residuals, tmp_path):
    write_residuals(tmp_path / RESIDUALS_FILE, residuals)
    found = read_residuals(tmp_path)
    assert found.camera == residuals.camera
    np.testing.assert_array_equal(found.residual_px, residuals.residual_px)
    np.testing.assert_array_equal(found.frame, residuals.frame)


def test_means_are_over_what_was_seen(residuals):
    mean = residuals.mean()
    np.testing.assert_allclose(mean[0], residuals.residual_px[:, 0].mean(0), atol=1e-6)
    np.testing.assert_allclose(mean[1], residuals.residual_px[0, 1])
    assert np.isnan(mean[2]).all()


def test_what_is_no_such_file(tmp_path, residuals):
    path = tmp_path / RESIDUALS_FILE
    with pytest.raises(InputError, match="not there"):
        read_residuals(tmp_path)
    for change, told in (
        ({"format": np.array(7)}, "'format' is 7"),
        ({"residual_px": np.zeros((5, 3), "U1")}, "'residual_px' is missing or of another"),
        ({"frame": np.arange(4)}, "shape"),
    ):
        write_residuals(path, residuals)
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        write_arrays(path, arrays | change)
        with pytest.raises(InputError, match=told):
            read_residuals(path)
