"""Places of one level, and the steps that they ask for."""

from dataclasses import replace

import numpy as np
import pytest

from mien_training.capture.polish.normal_levels import level_places, refine_level
from mien_training.capture.polish.picture_levels import Level


@pytest.fixture(scope="module")
def places(scene, crops, prior):
    def found(vertices, config=scene.config):
        compared = scene.template.triangle_material == 0
        level = Level(crops, 2)
        seen = level_places(
            scene.template, scene.start, vertices, compared, crops, level, 2, prior, config
        )
        return seen, level

    return found


def test_places_move_with_the_nodes_along_their_normals(scene, prior, places):
    seen, _ = places(scene.start)
    sums = np.asarray(seen.rows.sum(1)).ravel()
    assert np.median(sums) > 0.97 and sums.max() < 1 + 1e-6
    assert 0.1 < seen.judge.mean() < 0.3
    part = seen.subset(seen.judge)
    assert part.judge.all() and len(part.at) == part.rows.shape[0] == seen.judge.sum()


def test_dark_places_are_left_out(scene, places):
    few, _ = places(scene.start, replace(scene.config, darkest=254.0))
    assert len(few.at) == 0


def test_steps_bring_a_level_nearer(scene, prior, places, crops):
    seen, level = places(scene.start)
    normals = scene.normals[prior.nodes].astype(np.float64)
    nothing = np.zeros((len(prior.nodes), 3))
    moved, found, _ = refine_level(
        seen, level, normals, nothing, prior, 2 * crops.pixel_m, scene.config
    )
    after = scene.start.copy()
    after[prior.nodes] += moved
    assert scene.error_mm(after) < 0.85 * scene.error_mm(scene.start)
    assert found.noise.isfinite().all()
    assert np.abs(moved - (moved * normals).sum(1, keepdims=True) * normals).max() < 1e-9
