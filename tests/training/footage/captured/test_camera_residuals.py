"""Residuals as sightings: a vertex of a moment is one point, whoever saw it."""

from dataclasses import replace

import numpy as np
import pytest
from support.captured import camera_residuals

from mien.errors import InputError
from mien_training.cameras.lens import LensCamera


def test_sightings_share_the_points_of_a_moment():
    residuals = camera_residuals(moments=3)
    seen = residuals.sightings()
    assert len(seen.points) == 3 * 24 and len(seen.camera) == 4 * 3 * 24
    np.testing.assert_array_equal(seen.points[seen.point].astype(np.float32), residuals.point)
    np.testing.assert_array_equal(seen.moment[seen.point], residuals.moment)
    assert (np.bincount(seen.point) == 4).all()


def test_lenses_stay_out_of_the_pictures_that_were_worked_on():
    residuals = camera_residuals(lens=True)
    assert isinstance(residuals.cameras[0], LensCamera)
    worked = residuals.sightings().cameras[0]
    assert not worked.distorts
    np.testing.assert_array_equal(worked.K, residuals.cameras[0].K)


@pytest.mark.parametrize(
    ("field", "bad"),
    [("pixel", np.nan), ("moment", 99), ("camera", -1), ("vertex", -1), ("certainty", -1)],
)
def test_what_no_capture_leaves_is_refused(field, bad):
    residuals = camera_residuals()
    spoilt = getattr(residuals, field).copy()
    spoilt[0] = bad
    with pytest.raises(InputError, match=field):
        replace(residuals, **{field: spoilt})
    with pytest.raises(InputError, match="names"):
        replace(residuals, names=())
    with pytest.raises(InputError, match="shape"):
        replace(residuals, **{field: spoilt[:-1]})
