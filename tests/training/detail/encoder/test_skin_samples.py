"""Samples are what the fit sees, a function of the seed, and turn into their mirror images."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.detail.encoder.skin_samples import SkinSample, draw_sample
from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.detail.fit.photometric_detail import fit_detail


def test_shapes_and_ranges(sample):
    assert sample.observed.shape == sample.known.shape == sample.press.shape == (3, 64, 64)
    assert sample.response.shape == (3, 2, 64, 64)
    assert sample.fits_mm.shape == (2, 3, 64, 64) and sample.truth_mm.shape == (3, 64, 64)
    assert sample.chosen[0].all() and 0 < sample.chosen[1].sum() < 3
    for name in SkinSample.__dataclass_fields__:
        assert np.isfinite(getattr(sample, name)).all(), name
    for name in ("known", "press", "pull"):
        values = getattr(sample, name)
        assert 0 <= values.min() and 0.3 < values.max() <= 1, name
    assert 0.1 < np.abs(sample.truth_mm[0]).max() < 2  # an old face


def test_the_seed_says_all(sample, small_basis):
    again = draw_sample(12, 3, small_basis, age=0.9)
    for name in SkinSample.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(sample, name))


def test_it_survives_the_disk(sample, tmp_path):
    sample.write(tmp_path / "a.npz")
    found = SkinSample.read(tmp_path / "a.npz")
    for name in SkinSample.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(sample, name))
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"a\.npz"):
        SkinSample.read(tmp_path / "a.npz")


def test_the_fit_is_that_of_the_chosen_images(sample, small_basis, one_thread):
    model = DetailModel(small_basis)
    for n in range(2):
        seen, press, pull = sample.evidence(n)
        assert len(press) == sample.chosen[n].sum()
        found = 1000 * fit_detail(seen, press, pull, model).heights
        kept = torch.from_numpy(sample.fits_mm[n].astype(np.float32))
        # 16 bits a number, and 60 steps of a solver that ends early.
        assert (found - kept).square().mean() < 0.01 * kept.square().mean()


def test_twice_mirrored_is_itself_and_shading_mirrors_with_it(sample):
    twice = sample.mirrored().mirrored()
    for name in SkinSample.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(twice, name), getattr(sample, name))
    heights = torch.from_numpy(sample.truth_mm.astype(np.float32))
    seen, press, pull = sample.evidence(0)
    other, press_, pull_ = sample.mirrored().evidence(0)
    shade = seen.shaded(heights, press, pull)
    torch.testing.assert_close(other.shaded(heights.flip(-1), press_, pull_), shade.flip(-1))
