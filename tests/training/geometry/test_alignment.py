"""A known motion is found again, from corresponding points and from a surface alone."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.geometry.alignment import (
    Alignment,
    fit_alignment,
    fit_rotation,
    surface_alignment,
)


def points(count=40, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (count, 3))


def motion(angle=1.2, scale=1.0):
    turn = Rotation.from_rotvec(np.array([0.3, -0.8, 0.5]) * angle).as_matrix()
    return Alignment(turn, np.array([0.2, -0.1, 0.4]), scale)


@pytest.mark.parametrize(("align", "scale"), [("rigid", 1.0), ("similarity", 0.7)])
@pytest.mark.parametrize("flat", [False, True])
def test_a_known_motion_is_found(align, scale, flat):
    source = points() * ([1, 1, 0] if flat else [1, 1, 1])
    true = motion(scale=scale)
    found = fit_alignment(source, true.points(source), align)
    np.testing.assert_allclose(found.rotation, true.rotation, atol=1e-12)
    np.testing.assert_allclose(found.translation, true.translation, atol=1e-12)
    assert found.scale == pytest.approx(scale)


def test_displacements_are_turned_and_scaled_but_not_moved():
    true, source = motion(scale=2.0), points()
    step = 0.01 * points(seed=1)
    np.testing.assert_allclose(
        true.vectors(step), true.points(source + step) - true.points(source), atol=1e-12
    )


def test_no_other_motion_is_nearer():
    source, target = points(), 1.3 * points() + 0.02 * points(seed=1)

    def cost(a):
        return np.square(a.points(source) - target).sum()

    rigid, similar = (fit_alignment(source, target, a) for a in ("rigid", "similarity"))
    assert rigid.scale == 1 and cost(similar) < cost(rigid)
    for found in (rigid, similar):
        for step in np.concatenate([np.eye(3), -np.eye(3)]) * 1e-3:
            turn = Rotation.from_rotvec(step).as_matrix()
            assert cost(Alignment(turn @ found.rotation, found.translation, found.scale)) > cost(
                found
            )
            moved = Alignment(found.rotation, found.translation + step, found.scale)
            assert cost(moved) > cost(found)
    for scale in (0.999, 1.001):
        middle = source.mean(0)
        shift = similar.points(middle) - scale * similar.scale * similar.rotation @ middle
        assert cost(Alignment(similar.rotation, shift, scale * similar.scale)) > cost(similar)


def test_a_mirrored_shape_is_turned_and_never_mirrored():
    source = points()
    found = fit_alignment(source, source * [-1, 1, 1], "similarity")
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_points_in_one_place_have_no_size():
    found = fit_alignment(np.ones((4, 3)), points(4), "similarity")
    assert found.scale == 1.0 and np.linalg.det(found.rotation) == pytest.approx(1)


def test_a_turn_about_the_origin_is_found_where_a_free_motion_would_shift():
    source, turn = points() + [0.3, 0, 0], motion().rotation
    np.testing.assert_allclose(fit_rotation(source, source @ turn.T), turn, atol=1e-12)
    target = source @ turn.T + [0, 0, 0.05]
    found = fit_rotation(source, target)

    def cost(rotation):
        return np.square(source @ rotation.T - target).sum()

    for step in np.concatenate([np.eye(3), -np.eye(3)]) * 1e-3:
        assert cost(Rotation.from_rotvec(step).as_matrix() @ found) > cost(found)


def test_the_mask_alone_decides():
    source = points()
    target = motion().points(source)
    target[:10] += 1.0
    mask = np.arange(len(source)) >= 10
    found = fit_alignment(source, target, "rigid", mask)
    np.testing.assert_allclose(found.points(source)[10:], target[10:], atol=1e-12)


def test_none_is_no_motion():
    found = fit_alignment(points(), points(seed=1), "none")
    np.testing.assert_array_equal(found.points(points()), points())


def egg(count=24):
    """A lopsided closed surface on which no rotation is free."""
    theta, phi = np.meshgrid(
        np.linspace(0.05, np.pi - 0.05, count), np.linspace(0, 2 * np.pi, 2 * count, False),
        indexing="ij",
    )  # fmt: skip
    round_ = [np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)]
    vertices = np.stack(round_, -1) * [0.06, 0.12, 0.09]
    vertices[..., 2] += 2 * vertices[..., 1] ** 2 + vertices[..., 0] * vertices[..., 1]
    i = np.arange(vertices[..., 0].size).reshape(theta.shape)
    a, b, c, d = i[:-1], i[1:], np.roll(i, -1, 1)[1:], np.roll(i, -1, 1)[:-1]
    faces = [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    return vertices.reshape(-1, 3), np.concatenate(faces)


@pytest.mark.parametrize(("align", "scale"), [("rigid", 1.0), ("similarity", 1.06)])
def test_points_find_back_to_their_surface(align, scale):
    vertices, triangles = egg()
    on = vertices[triangles].mean(1)[::3]
    moved = Alignment(motion(0.2).rotation, np.array([0.01, -0.008, 0.012]), scale).points(on)
    found = surface_alignment(moved, vertices, triangles, align)
    np.testing.assert_allclose(found.points(moved), on, atol=1e-6)


def test_the_farthest_points_may_be_left_out():
    vertices, triangles = egg()
    on = vertices[triangles].mean(1)[::3]
    moved = Alignment(motion(0.1).rotation, np.array([0.004, 0.002, -0.003])).points(on)
    moved[::10] += [0.0, 0.0, 0.08]
    kept = np.arange(len(on)) % 10 > 0
    trimmed = surface_alignment(moved, vertices, triangles, keep=0.85)
    whole = surface_alignment(moved, vertices, triangles)
    np.testing.assert_allclose(trimmed.points(moved)[kept], on[kept], atol=1e-6)
    assert np.abs(whole.points(moved)[kept] - on[kept]).max() > 1e-3


@pytest.mark.parametrize(
    ("source", "target", "options", "complaint"),
    [
        (np.zeros((4, 3)), np.zeros((5, 3)), {}, "expected"),
        (np.zeros((4, 2)), np.zeros((4, 2)), {}, "expected"),
        (np.zeros((2, 3)), np.zeros((2, 3)), {}, "at least 3"),
        (np.zeros((4, 3)), np.full((4, 3), np.nan), {}, "finite"),
        (np.zeros((4, 3)), np.zeros((4, 3)), {"align": "affine"}, "affine"),
        (np.zeros((4, 3)), np.zeros((4, 3)), {"mask": [0, 1, 2]}, "mask"),
        (np.zeros((4, 3)), np.zeros((4, 3)), {"mask": [True, False] * 2}, "2 points"),
    ],
)
def test_bad_correspondences_are_named(source, target, options, complaint):
    with pytest.raises(InputError, match=complaint):
        fit_alignment(source, target, **options)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"keep": 0.0}, "keep"),
        ({"keep": 1.1}, "keep"),
        ({"steps": 0}, "steps"),
        ({"align": "affine"}, "affine"),
        ({"points": np.zeros((2, 3))}, "points"),
        ({"triangles": [[0, 1, 99999]]}, "triangles"),
    ],
)
def test_bad_surface_calls_are_named(options, complaint):
    vertices, triangles = egg(6)
    call = {"points": vertices, "vertices": vertices, "triangles": triangles} | options
    with pytest.raises(InputError, match=complaint):
        surface_alignment(**call)
