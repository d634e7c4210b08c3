"""The skull's vertices are those that no face moves."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.over_time.skull_weights import skull_weights
from mien_training.capture.skin_regions import skin_regions


def test_scalp_ears_and_forehead_count_and_nothing_that_moves(anny):
    weights = skull_weights(anny)
    regions = skin_regions(anny)
    assert weights.max() == 1 and (weights >= 0).all()
    for name, share in (("scalp", 0.6), ("ears", 0.9)):  # the nape bends with the neck
        assert (weights[regions[name]] > 0).mean() > share, name
    moved = np.linalg.norm(anny.shape_deltas, axis=2).max(0)
    assert moved[weights > 0].max() < 0.003
    for name in ("lips", "lids", "neck"):
        assert not weights[anny.regions[name]].any(), name
    assert not weights[~anny.regions["skin"]].any()
    # The face's front is part of it: else the head's nodding rests on the ears alone.
    front = anny.vertices[:, 2] > np.quantile(anny.vertices[anny.regions["skin"], 2], 0.5)
    assert weights[front].sum() > 0.04 * weights.sum()


def test_a_head_without_anything_firm_is_refused(anny):
    loose = np.ones_like(anny.shape_deltas[:1])
    with pytest.raises(InputError, match="0 vertices"):
        skull_weights(replace(anny, shape_deltas=loose, shape_names=anny.shape_names[:1]))
