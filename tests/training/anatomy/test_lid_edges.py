"""Gaps between lids are measured where the eye is, whatever its size and place."""

import numpy as np
import pytest

from mien_training.anatomy.eyeballs import eyeballs
from mien_training.anatomy.lid_edges import LidEdges, angles, clearance
from mien_training.templates.contact_pairs import contact_pairs


def left_lids(template):
    """The edges, and where their skin is open and closed, about the ball's centre."""
    eye = eyeballs(template, template.vertices)[0]
    pair = next(p for p in contact_pairs(template) if p.name == "lidsLeft")
    edges = LidEdges.of(template, eye, pair, 1.8)
    rest = template.vertices[edges.skin] - eye.centre
    k = template.shape_names.index("eyeBlinkLeft")
    return edges, rest, rest + template.shape_deltas[k, edges.skin]


@pytest.mark.parametrize(
    ("head", "closed"), [("anny_head", (-0.0042, -0.0005)), ("ict_head", (-0.0008, 0.0010))]
)
def test_eyes_are_open_and_closed(head, closed, request):
    edges, rest, shut = left_lids(request.getfixturevalue(head))
    gaps = edges.radius * edges.gaps(rest)
    assert gaps.min() > 0.003 and 0.008 < gaps.max() < 0.0100
    span = edges.radius * np.ptp(edges.columns)
    assert 0.018 < span < 0.027
    shut_gaps = edges.radius * edges.gaps(shut)
    assert closed[0] < shut_gaps.min() and shut_gaps.max() < closed[1]
    assert 0.014 < edges.radius < 0.018


def test_a_lid_turned_by_an_angle_opens_by_it(anny_head):
    edges, rest, _ = left_lids(anny_head)
    turn, rise = angles(rest)
    upper, lower = edges.heights(rest)
    higher = rise + 0.05 * (rise > 0.5 * (upper.mean() + lower.mean()))
    far = np.linalg.norm(rest, axis=1)
    moved = far[:, None] * np.stack(
        [np.cos(higher) * np.sin(turn), np.sin(higher), np.cos(higher) * np.cos(turn)], 1
    )
    middle = slice(len(edges.columns) // 4, -len(edges.columns) // 4)
    widened = (edges.gaps(moved) - edges.gaps(rest))[middle]
    np.testing.assert_allclose(widened, 0.05, atol=1e-6)


def test_columns_follow_the_corners(anny_head):
    edges, rest, _ = left_lids(anny_head)
    np.testing.assert_allclose(edges.columns_of(rest), edges.columns, atol=1e-9)
    turn, rise = angles(rest)
    wider = np.where(np.abs(turn) < 1.5, 1.1 * turn + 0.05, turn)  # the rear stays behind
    far = np.linalg.norm(rest, axis=1)
    moved = far[:, None] * np.stack(
        [np.cos(rise) * np.sin(wider), np.sin(rise), np.cos(rise) * np.cos(wider)], 1
    )
    np.testing.assert_allclose(edges.columns_of(moved), 1.1 * edges.columns + 0.05, atol=1e-9)
    np.testing.assert_allclose(edges.gaps(moved), edges.gaps(rest), atol=1e-9)
    np.testing.assert_allclose(edges.gaps(2.0 * rest), edges.gaps(rest), atol=1e-12)


def test_a_closed_neutral_has_no_lids_to_tell_apart(anny_head):
    eye = eyeballs(anny_head, anny_head.vertices)[0]
    pair = next(p for p in contact_pairs(anny_head) if p.name == "lidsRight")
    assert LidEdges.of(anny_head, eye, pair, 1.8) is None  # those of the other eye


def test_clearance_is_a_distance_from_a_sphere():
    rng = np.random.default_rng(0)
    rays = rng.standard_normal((4000, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    heights = rng.uniform(-0.5, 0.5, 100)
    np.testing.assert_allclose(
        clearance(2 * rays, (2 + heights[:, None]) * rays[::40]), heights, atol=1e-9
    )
