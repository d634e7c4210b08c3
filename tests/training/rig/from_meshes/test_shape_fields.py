"""Changes of shapes: linear, where the template moves, alike on both sides."""

from dataclasses import replace

import numpy as np
import pytest
from support.mesh_takes import bump_head

from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.shape_fields import ShapeFields, spread_evenly

CONFIG = MeshFitConfig(anchors=30)


@pytest.fixture(scope="module")
def template():
    return bump_head()


@pytest.fixture(scope="module")
def fields(template):
    return ShapeFields(template, template.regions["skin"], CONFIG)


def drawn(fields, count=40):
    rng = np.random.default_rng(0)
    return [fields.changes(rng.normal(size=fields.shape)) for _ in range(count)]


def test_the_adjoint_is_the_adjoint(fields):
    rng = np.random.default_rng(1)
    vertex = np.arange(0, 900, 7)
    a, force = rng.normal(size=fields.shape), rng.normal(size=(4, len(vertex), 3))
    there = (fields.changes(a, vertex) * force).sum()
    np.testing.assert_allclose(there, (a * fields.adjoint(force, vertex)).sum(), rtol=1e-9)


def test_shapes_change_where_the_template_moves_and_as_much(template, fields):
    changes = np.stack(drawn(fields))
    far = np.linalg.norm(template.shape_deltas, axis=2)
    spread = np.sqrt(np.square(changes).mean((0, 3)))
    moved = far > 0.3 * far.max(1, keepdims=True)
    np.testing.assert_allclose((spread[moved] / far[moved]).mean(), CONFIG.share, rtol=0.15)
    assert not changes[:, far == 0].any()
    even = ShapeFields(template, template.regions["skin"], replace(CONFIG, template_motion=False))
    still = template.regions["skin"] & (far[0] < 1e-6)
    assert np.abs(np.stack(drawn(even))[:, 0, still]).max() > 1e-4


def test_eyeballs_are_left_to_turn(template, fields):
    assert not np.stack(drawn(fields, 3))[:, :, template.regions["eyes"]].any()


def test_neighbours_change_alike(template, fields):
    a, b = template.vertices[template.triangles[:, 0]], template.vertices[template.triangles[:, 1]]
    i, j = template.triangles[np.linalg.norm(a - b, axis=1) < 0.012][:, :2].T
    size = np.maximum(np.linalg.norm(template.shape_deltas[0], axis=1), 1e-12)
    field = np.stack(drawn(fields))[:, 0] / size[:, None]
    near = size[i] > 1e-4
    apart = np.square(field[:, i[near]] - field[:, j[near]]).mean()
    assert apart < 0.2 * np.square(field[:, i[near]]).mean()


def test_left_and_right_share_what_one_sided_says(template):
    """The mirrored shapes of the two sides are equal at 0, and unrelated at 1."""
    names = template.shape_names
    left, right = names.index("mouthSmileLeft"), names.index("mouthSmileRight")
    at = np.array([[0.05, -0.02, 0.07]])
    near = [
        int(np.square(template.vertices - side).sum(1).argmin()) for side in (at, at * [-1, 1, 1])
    ]
    for one_sided, alike in ((0.0, 1.0), (1.0, 0.0)):
        config = replace(CONFIG, one_sided=one_sided)
        every = np.stack(drawn(ShapeFields(template, template.regions["skin"], config), 80))
        a, b = every[:, left, near[0]] * [-1, 1, 1], every[:, right, near[1]]
        found = (a * b).mean() / np.sqrt(np.square(a).mean() * np.square(b).mean())
        assert abs(found - alike) < 0.25


def test_places_are_spread_evenly():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(0, 1, (50, 3)), np.zeros((500, 3))])
    chosen = spread_evenly(points, 20)
    assert len(set(chosen.tolist())) == 20 and (chosen < 50).sum() >= 19
    assert len(spread_evenly(points, 1000)) == 51  # the same place counts once
