"""Atlases of the default head and of balls, films of them, and somebody filmed."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra `train`)")


@pytest.fixture(scope="session")
def anny_atlas(anny):
    from mien_training.avatar.anchors import AnchorAtlas

    return AnchorAtlas.of(anny)


@pytest.fixture(scope="session")
def ball_atlas(head_template):
    from mien_training.avatar.anchors import AnchorAtlas

    return AnchorAtlas.of(head_template)


@pytest.fixture(scope="session")
def ball_film(head_template):
    """Twelve frames of the painted balls from ever more to the right, the last three held out."""
    from support.avatar_films import around, painted_film

    weights = np.random.default_rng(0).uniform(0, 1, (12, 2)).astype(np.float32)
    return painted_film(head_template, weights, around(12, 64), 9)


@pytest.fixture(scope="session")
def filmed(anny, tmp_path_factory):
    """A person of the default head with hair, before a wall: a rig run and its film."""
    from support.avatar_films import filmed_person

    return filmed_person(tmp_path_factory.mktemp("filmed"), anny)
