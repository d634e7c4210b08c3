"""The report's colours end at round numbers."""

import numpy as np
import pytest

from mien_training.rig.from_meshes.mesh_report import colour_top


@pytest.mark.parametrize(("error", "top"), [(0.05, 0.1), (0.37, 0.4), (1.3, 1.6), (50.0, 4.0)])
def test_colours_end_at_a_round_number_above_most_errors(error, top):
    shown = np.full(1000, error)
    shown[:5], shown[5:40] = 99.0, np.nan  # a few outliers, and what is not compared
    assert colour_top(shown) == top
