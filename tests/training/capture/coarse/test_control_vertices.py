"""Control vertices spread over the skin, and are closer on the face."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.coarse.control_vertices import control_vertices, farthest_points
from mien_training.templates.regions import face_region


def test_each_is_the_farthest_from_those_before():
    points = np.random.default_rng(0).standard_normal((60, 3))
    chosen = farthest_points(points, 12, first=7)
    assert chosen[0] == 7
    for i in range(1, 12):
        far = np.linalg.norm(points[:, None] - points[chosen[:i]], axis=2).min(1)
        assert far[chosen[i]] == far.max()
    dense = farthest_points(points, 20, np.where(points[:, 0] > 0, 5.0, 1.0))
    assert (points[dense, 0] > 0).mean() > (points[:, 0] > 0).mean() + 0.1


def test_those_of_the_template_lie_on_skin_and_crowd_on_the_face(anny):
    chosen = control_vertices(anny, 100)
    assert len(np.unique(chosen)) == 100 and anny.regions["skin"][chosen].all()
    np.testing.assert_array_equal(control_vertices(anny, 40), chosen[:40])
    face = face_region(anny)
    apart = np.linalg.norm(anny.vertices[chosen][:, None] - anny.vertices[chosen], axis=2)
    np.fill_diagonal(apart, np.inf)
    near = apart.min(1)
    assert np.median(near[face[chosen]]) < 0.75 * np.median(near[~face[chosen]])


@pytest.mark.parametrize("wrong", [{"count": 5}, {"count": 0}, {"density": [1, 1, 0, 1]},
                                   {"first": 4}])  # fmt: skip
def test_what_cannot_be_chosen_is_refused(wrong):
    with pytest.raises(InputError, match="farthest_points"):
        farthest_points(np.eye(4, 3), **({"count": 3} | wrong))
    with pytest.raises(InputError, match="distinct"):
        farthest_points(np.zeros((4, 3)), 2)
