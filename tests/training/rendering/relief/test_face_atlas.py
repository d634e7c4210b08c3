"""The atlas: features at the same places on every head, the front of the face without folds."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.head.landmark_sets import SKIN_LANDMARK_COUNT
from mien_training.rendering.relief.face_atlas import (
    HEIGHT,
    LEFT,
    TOP,
    WIDTH,
    FaceAtlas,
    atlas_chart,
    canonical_landmarks,
)
from mien_training.templates import load_template

SIDE_M = 0.17


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def atlas(template):
    return FaceAtlas.of(template)


def of_canonical():
    chart = canonical_landmarks()
    return np.stack([(chart[:, 0] - LEFT) / WIDTH, (TOP - chart[:, 1]) / HEIGHT], 1)


def landmarks_of(atlas):
    head = atlas.template
    corners = head.triangles[head.landmarks.triangle[:SKIN_LANDMARK_COUNT]]
    share = head.landmarks.barycentric[:SKIN_LANDMARK_COUNT, :, None]
    return (atlas.places[corners] * share).sum(1)


def millimetres_apart(atlas):
    inside = ((of_canonical() > 0.02) & (of_canonical() < 0.98)).all(1)
    return 1000 * SIDE_M * np.linalg.norm((landmarks_of(atlas) - of_canonical())[inside], axis=1)


def test_landmarks_of_every_person_lie_at_the_same_places(template, atlas):
    people = [
        FaceAtlas.of(replace(template, vertices=template.vertices + template.identity.sample(s)))
        for s in (1, 2)
    ]
    for head in (atlas, *people):
        apart = millimetres_apart(head)
        assert np.median(apart) < 0.3 and np.quantile(apart, 0.95) < 1.5, apart.max()


def test_left_and_right_mirror(template, atlas):
    other = atlas.places[template.mirror]
    on = ((atlas.places > 0.02) & (atlas.places < 0.98)).all(1)
    apart = np.abs(atlas.places[on] + [[1, -1]] * other[on] - [[1, 0]]).max(1)
    assert np.quantile(apart, 0.95) < 0.02


def test_texels_show_the_face_once_and_nothing_of_the_back(template, atlas):
    texels = atlas.texels(128)
    assert 0.8 < len(texels.texel) / 128**2 < 1
    np.testing.assert_allclose(texels.bary.sum(1), 1, atol=1e-5)
    places = texels.interpolate(template.vertices)
    chart = atlas_chart(128)[texels.texel]
    middle = np.abs(chart).max(1) < 0.9
    assert places[middle, 2].min() > 0.03  # the default head's skull has its axis there
    image = np.full((128 * 128, 3), np.nan)
    image[texels.texel] = places
    steps = np.linalg.norm(np.diff(image.reshape(128, 128, 3), axis=1), axis=2)[30:70, 30:98]
    assert 0.0008 < np.nanmedian(steps) < 0.003 and np.nanquantile(steps, 0.99) < 0.012


def test_what_is_no_skin_has_no_place(template, atlas):
    skin = np.unique(template.triangles[template.triangle_material == 0])
    rest = np.setdiff1d(np.arange(len(template.vertices)), skin)
    assert len(rest) and not atlas.places[rest].any()


def test_heads_without_a_face_are_refused(template):
    bare = replace(
        template,
        landmarks=replace(
            template.landmarks, triangle=np.full_like(template.landmarks.triangle, -1)
        ),
    )
    with pytest.raises(InputError, match="points, expected those of a face"):
        FaceAtlas.of(bare)
    with pytest.raises(InputError, match="size 4"):
        FaceAtlas.of(template).texels(4)
