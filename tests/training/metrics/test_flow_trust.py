"""Flow is believed where there is texture, and where the way back ends at the start."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.metrics.flow_trust import consistent, end_point_errors, texturedness


def constant(x, y, side=20):
    return np.broadcast_to(np.float32([x, y]), (side, side, 2))


def test_corners_have_texture_edges_and_planes_have_none():
    image = np.full((60, 60, 3), 90, np.uint8)
    image[30:, 30:] = 190
    found = texturedness(image)
    assert found[30, 30] > 5
    assert found[30, 50] < 1e-3 * found[30, 30] and found[10, 10] == 0


def test_there_and_back_ends_at_the_start():
    inside = consistent(constant(3, 1), constant(-3, -1))
    assert inside[:18, :16].all()
    assert not inside[:, 17:].any() and not inside[19:].any()  # it leaves the image
    assert not consistent(constant(3, 1), constant(-2.4, -1)).any()
    assert consistent(constant(3, 1), constant(-2.6, -1))[:18, :16].all()


def test_the_way_back_is_read_where_the_flow_ends():
    backward = np.zeros((20, 20, 2), np.float32)
    backward[:, 10] = (-4, 0)
    found = consistent(constant(4, 0), backward)
    assert found[:, 6].all() and found.sum() == 20


def test_end_point_errors():
    where = np.zeros((20, 20), bool)
    where[3, 4:6] = True
    np.testing.assert_allclose(end_point_errors(constant(3, 4), constant(0, 0), where), [5, 5])


def test_flows_of_other_sizes_are_refused():
    with pytest.raises(InputError, match="consistent"):
        consistent(constant(0, 0), constant(0, 0, 21))
    with pytest.raises(InputError, match="end_point_errors"):
        end_point_errors(constant(0, 0)[..., 0], constant(0, 0)[..., 0], np.ones((20, 20), bool))
