"""Looks are seeded and span light to dark."""

import numpy as np

from mien_training.rendering.paint.look import SKIN_TONES, Look, skin_albedo


def test_random_looks_repeat_and_differ():
    assert Look.random(5) == Look.random(5)
    assert len({Look.random(i).eye_colour for i in range(60)}) >= 4
    tones = [Look.random(i).skin_tone for i in range(60)]
    assert min(tones) < 0.15
    assert max(tones) > 0.85


def test_all_numbers_stay_in_their_range():
    for i in range(200):
        look = Look.random(i)
        for name in (
            "skin_tone", "redness", "freckles", "lip_tint", "brow_density", "hair_cover", "stubble",
        ):  # fmt: skip
            assert 0 <= getattr(look, name) <= 1, name


def test_albedo_darkens_with_tone():
    ramp = np.array([skin_albedo(t) for t in np.linspace(0, 1, 30)])
    assert (np.diff(ramp, axis=0) < 0).all()
    assert np.allclose(ramp[0] * 255, SKIN_TONES[0])
    assert np.allclose(ramp[-1] * 255, SKIN_TONES[-1])
    assert np.allclose(skin_albedo(-1), ramp[0])
