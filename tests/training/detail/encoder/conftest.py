"""A small person's sample, photographed once."""

import pytest


@pytest.fixture(scope="session")
def sample(small_basis):
    from mien_training.detail.encoder.skin_samples import draw_sample

    return draw_sample(12, 3, small_basis, age=0.9)
