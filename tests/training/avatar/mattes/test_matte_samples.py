"""Samples hold a whole head, its mesh nearly in place, and come back from their file."""

import numpy as np

from mien_training.avatar.mattes.matte_samples import MatteSample


def test_the_mesh_is_nearly_in_place(matte_sample):
    alpha, covered = matte_sample.alpha / 255, matte_sample.covered
    assert alpha[covered].mean() > 0.95
    wrong = (covered & (alpha < 0.5)).sum() / covered.sum()
    assert 0 < wrong < 0.05  # as a fit's, neither right nor elsewhere
    assert (matte_sample.colour[alpha == 0] == 0).all()


def test_hair_goes_beyond_it(matte_sample):
    assert ((matte_sample.alpha > 127) & ~matte_sample.covered).any()


def test_the_neck_is_below(matte_sample):
    for mask, neck in zip(matte_sample.covered, matte_sample.neck, strict=True):
        rows = np.flatnonzero(mask.any(1))
        assert neck[0, 0] < neck[1, 0]
        assert abs(neck[0, 1] - rows[-1]) < 0.15 * len(rows)


def test_file(matte_sample, tmp_path):
    matte_sample.write(tmp_path / "sample.npz")
    found = MatteSample.read(tmp_path / "sample.npz")
    for name in MatteSample.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(matte_sample, name))
