"""Shapes come back on the template itself, grow with a head, and follow a similarity."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.geometry.deformation_transfer import STILL_M, transfer_shapes, unseen_shapes
from mien_training.head import Template
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def template() -> Template:
    """With shapes of every kind, and few."""
    whole = load_template("anny")
    names = ("eyeBlinkLeft", "eyeLookInRight", "jawOpen", "mouthClose", "mouthSmileLeft")
    chosen = [whole.shape_names.index(name) for name in names]
    return replace(whole, shape_names=names, shape_deltas=whole.shape_deltas[chosen])


def sheet(side=9):
    """A wavy square without anything that is held; coordinates as a head's."""
    u, v = np.meshgrid(np.linspace(-0.1, 0.1, side), np.linspace(-0.1, 0.1, side))
    vertices = np.stack([u, v, 0.3 * u**2 + u * v + 0.02 * np.sin(40 * v)], -1).reshape(-1, 3)
    i = np.arange(side * side).reshape(side, side)
    a, b, c, d = (x.ravel() for x in (i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]))
    return vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def other(vertices):
    """A different, smooth head of the same topology."""
    x, y, z = vertices.T
    return vertices + 0.01 * np.stack([np.sin(20 * y), np.cos(15 * z), np.sin(25 * x)], 1)


def test_on_the_template_itself_they_are_the_templates(template):
    found = transfer_shapes(
        template.vertices, template.shape_deltas, template.triangles, template.vertices
    )
    np.testing.assert_allclose(found, template.shape_deltas, atol=1e-7)


def test_a_larger_head_elsewhere_moves_more(template):
    larger = 1.25 * template.vertices.astype(np.float64) + [0.1, -0.2, 0.3]
    found = transfer_shapes(template.vertices, template.shape_deltas, template.triangles, larger)
    np.testing.assert_allclose(found, 1.25 * template.shape_deltas, atol=1e-6)


def test_a_shape_that_turns_and_grows_does_so_on_any_head():
    vertices, triangles = sheet()
    turn = Rotation.from_rotvec([0.2, -0.5, 0.3]).as_matrix() * 1.15
    delta = vertices @ (turn - np.eye(3)).T + 0.05
    target = other(vertices)
    found = transfer_shapes(vertices, delta[None], triangles, target)[0]
    expected = target @ (turn - np.eye(3)).T
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-7)


def test_each_part_that_nothing_holds_keeps_its_own_way():
    vertices, triangles = sheet()
    count = len(vertices)
    both = np.concatenate([vertices, vertices + [0.5, 0, 0]])
    faces = np.concatenate([triangles, triangles + count])
    delta = np.repeat([[0.01, 0, 0], [0, 0.02, 0]], count, axis=0)
    found = transfer_shapes(both, delta[None], faces, both)[0]
    np.testing.assert_allclose(found, delta, atol=1e-7)


def test_what_is_still_stays_still(template):
    neutral = template.vertices + template.identity.sample(2)
    found = transfer_shapes(template.vertices, template.shape_deltas, template.triangles, neutral)
    still = np.linalg.norm(template.shape_deltas, axis=2).max(0) < STILL_M
    assert still.sum() > 100
    np.testing.assert_allclose(found[:, still], template.shape_deltas[:, still], atol=0.2 * STILL_M)
    moved = np.linalg.norm(found - template.shape_deltas, axis=2).max()
    assert 1e-3 < moved < 0.02  # another head, another shape, but of the same kind


def test_triangles_without_area_do_no_harm():
    vertices, triangles = sheet()
    delta = np.zeros((1, len(vertices), 3))
    delta[0, :, 2] = 0.02 * np.exp(-np.square(vertices[:, :2]).sum(1) / 0.002)
    target = other(vertices)
    clean = transfer_shapes(vertices, delta, triangles, target)
    assert clean[0, len(vertices) // 2, 2] > 0.01
    slivers = np.concatenate([triangles, [[0, 1, 1], [3, 4, 3]]])
    np.testing.assert_allclose(transfer_shapes(vertices, delta, slivers, target), clean, atol=1e-9)


def test_shapes_do_not_disturb_each_other(template):
    neutral = template.vertices + template.identity.sample(2)
    args = template.triangles, neutral
    whole = transfer_shapes(template.vertices, template.shape_deltas, *args)
    doubled = np.concatenate([template.shape_deltas[::-1], template.shape_deltas])
    again = transfer_shapes(template.vertices, doubled, *args)
    np.testing.assert_allclose(again[:5][::-1], whole, atol=1e-8)
    np.testing.assert_allclose(again[5:], whole, atol=1e-8)


def test_bad_input_is_named():
    vertices, triangles = sheet()
    delta = np.zeros((1, len(vertices), 3))
    for call, complaint in (
        ((vertices, delta[0], triangles, vertices), "shape_deltas"),
        ((vertices, delta, triangles, vertices[:-1]), "neutral"),
        ((vertices, delta, triangles, vertices * np.nan), "NaN"),
        ((vertices, delta, triangles + 1, vertices), "indices"),
    ):
        with pytest.raises(InputError, match=complaint):
            transfer_shapes(*call)


def test_unseen_shapes_are_copied_unless_told_otherwise(template):
    neutral = template.vertices + template.identity.sample(2)
    args = template.vertices, template.shape_deltas, template.triangles, neutral
    copied = unseen_shapes(*args)
    np.testing.assert_array_equal(copied, template.shape_deltas)
    assert not np.shares_memory(copied, template.shape_deltas)
    np.testing.assert_array_equal(unseen_shapes(*args, "transferred"), transfer_shapes(*args))
    with pytest.raises(InputError, match="copied or transferred"):
        unseen_shapes(*args, "guessed")
    with pytest.raises(InputError, match="neutral"):
        unseen_shapes(*args[:3], neutral[1:])
