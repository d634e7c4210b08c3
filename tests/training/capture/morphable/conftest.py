"""A small linear model."""

import pytest


@pytest.fixture(scope="session")
def heads(anny):
    from mien_training.capture.morphable import sampled_heads

    return sampled_heads(anny, range(24), components=16)
