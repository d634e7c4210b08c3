"""Errors of colour land on the vertices that were seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.rig_scene import FRAMES, recorded_scene, small_person

from mien_training.rig.report.error_map import draw_error, vertex_error
from mien_training.rig.report.fitted_scene import FittedScene


@pytest.fixture(scope="module")
def scene():
    """Footage that is the fit's own rendering."""
    filmed = recorded_scene(small_person())
    scene = FittedScene.of(filmed.person, filmed.seen, filmed.fit)
    rows = torch.arange(2 * FRAMES)
    rendered = scene.render(rows, filmed.seen.images.float() / 255)
    images = (255 * rendered.colour.clamp(0, 1)).round().byte()
    return replace(scene, seen=replace(filmed.seen, images=images))


ROWS = np.arange(0, 2 * FRAMES, 3)


def test_a_perfect_fit_has_no_error_and_unseen_vertices_have_none_either(scene):
    region = scene.person.regions["skin"]
    error = vertex_error(scene, ROWS, region)
    assert np.nanmedian(error) < 0.5 and np.nanmax(error) < 4  # outlines blend with their ground
    assert np.isnan(error[~region]).all()
    back = scene.person.vertices[:, 2] < scene.person.vertices[:, 2].min() + 0.03
    assert np.isnan(error[back & region]).all()
    assert (~np.isnan(error)).sum() > 1000


def test_a_shifted_colour_is_measured_in_codes(scene):
    brighter = scene.seen.images.int() + torch.tensor([30, 0, 0])
    images = brighter.clamp(0, 255).byte()
    darker = replace(scene, seen=replace(scene.seen, images=images))
    error = vertex_error(darker, ROWS, scene.person.regions["lips"])
    assert np.nanmedian(error) == pytest.approx(10, abs=1)


def test_masked_pixels_do_not_count(scene):
    masks = torch.zeros(scene.seen.images.shape[:3], dtype=torch.bool)
    hidden = replace(scene, seen=replace(scene.seen, masks=masks))
    assert np.isnan(vertex_error(hidden, ROWS, scene.person.regions["skin"])).all()


def test_the_image_is_brighter_where_the_error_is_larger(scene):
    skin = scene.person.regions["skin"]
    small, large = (
        draw_error(scene.person, np.where(skin, e, np.nan), 64, 40) for e in (2.0, 38.0)
    )
    assert small.shape == large.shape and small.shape[1] == 3 * 64
    assert large[:64].mean() > small[:64].mean() + 20
    draw_error(scene.person, np.full(len(skin), np.nan), 32)
