"""Painted materials: complete, repeatable, and the colours a person has."""

import numpy as np
import pytest

from mien_training.head.template import MATERIALS
from mien_training.rendering.bake import bake_texels
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.paint.look import Look, skin_albedo
from mien_training.rendering.paint.materials import paint_materials
from mien_training.rendering.paint.skin import paint_skin

PLAIN = Look(hair_cover=0.0, stubble=0.0, freckles=0.0)


@pytest.fixture(scope="module")
def painted(head_template):
    return paint_materials(head_template, head_template.vertices, PLAIN, size=256)


def test_one_material_for_each_name(painted):
    assert tuple(m.name for m in painted) == MATERIALS
    skin, eye, teeth, _, tongue = painted
    assert skin.base_color.shape == (256, 256, 3)
    assert eye.base_color.shape == (128, 128, 3)
    assert tongue.base_color is not None
    assert teeth.base_color is None  # this head has none
    assert eye.roughness < skin.roughness  # wet


def test_same_look_same_bytes_other_look_others(head_template, painted):
    def paint(look):
        return paint_materials(head_template, head_template.vertices, look, size=256)[0].base_color

    assert np.array_equal(paint(PLAIN), painted[0].base_color)
    assert np.array_equal(paint(7), paint(Look.random(7)))
    assert not np.array_equal(paint(7), paint(8))


@pytest.mark.parametrize("tone", [0.0, 0.5, 1.0])
def test_skin_has_the_tone_asked_for(head_template, tone):
    look = Look(skin_tone=tone, hair_cover=0, freckles=0, redness=0)
    image = paint_materials(head_template, head_template.vertices, look, 128)[0].base_color / 255.0
    assert np.allclose(np.median(image.reshape(-1, 3), 0), skin_albedo(tone), atol=0.03)


def skin_at(template, look, point, lips=0.0):
    frame = FaceFrame.of(template, template.vertices)
    at = np.asarray([point], np.float32) * np.float32(frame.unit) + frame.middle
    near = np.repeat(at, 400, 0) + np.random.default_rng(0).normal(0, 3e-4, (400, 3))
    return paint_skin(near.astype(np.float32), np.full(400, lips, np.float32), frame, look).mean(0)


def test_brows_are_darker_than_the_forehead(head_template):
    brow = skin_at(head_template, PLAIN, (0.5, 0.35, 0.3))
    forehead = skin_at(head_template, PLAIN, (0.5, 0.75, 0.3))
    assert brow.mean() < 0.75 * forehead.mean()
    none = Look(hair_cover=0.0, freckles=0.0, brow_density=0.0)
    assert skin_at(head_template, none, (0.5, 0.35, 0.3)).mean() > 0.85 * forehead.mean()


def test_cheeks_redden_with_blood(head_template):
    def redness(amount, at):
        colour = skin_at(head_template, Look(redness=amount, hair_cover=0, freckles=0), at)
        return colour[0] / colour[1]

    cheek, forehead = (0.72, -0.7, 0.4), (0.0, 0.9, 0.5)
    assert redness(1.0, cheek) > 1.06 * redness(0.0, cheek)
    assert np.isclose(redness(1.0, forehead), redness(0.0, forehead), rtol=0.02)


def test_lips_follow_the_region_without_landmarks(head_template):
    at = (0.0, -1.2, 0.5)
    lips, skin = (skin_at(head_template, PLAIN, at, lips=x) for x in (1.0, 0.0))
    assert lips[0] / lips[1] > 1.1 * skin[0] / skin[1]


def test_scalp_and_stubble_darken_where_hair_grows(head_template):
    crown, chin = (0.0, 1.6, -1.0), (0.3, -1.7, 0.3)
    hairy = Look(hair_cover=1.0, stubble=1.0, freckles=0)
    assert (
        skin_at(head_template, hairy, crown).mean()
        < 0.6 * skin_at(head_template, PLAIN, crown).mean()
    )
    assert (
        skin_at(head_template, hairy, chin).mean()
        < 0.85 * skin_at(head_template, PLAIN, chin).mean()
    )


def test_no_jump_across_the_uv_seam(head_template, painted):
    """Both sides of the seam show the same place, so they show the same colour."""
    image = painted[0].base_color.astype(float)
    step = np.abs(image[40:200, 0] - image[40:200, -1]).mean()
    inside = np.abs(image[40:200, 60] - image[40:200, 61]).mean()
    assert step < 2.5 * inside + 2


def test_texels_do_not_depend_on_the_texture_size(head_template):
    """Colour is a function of the place: a coarse texture samples the same field."""
    frame = FaceFrame.of(head_template, head_template.vertices)
    coarse, fine = (bake_texels(head_template, 0, n) for n in (32, 96))
    shared = np.isin(fine.texel, (coarse.texel // 32 * 3 + 1) * 96 + coarse.texel % 32 * 3 + 1)
    a, b = (
        paint_skin(t.interpolate(head_template.vertices), np.zeros(len(t.texel)), frame, PLAIN)
        for t in (coarse, fine)
    )
    assert np.abs(a - b[shared]).max() < 1e-3
