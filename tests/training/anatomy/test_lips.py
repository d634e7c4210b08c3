"""Lips meet where the template's do, whatever a fit left, and what is right is left alone."""

import numpy as np
from support.rough_rigs import rough_rig

from mien_training.anatomy.lips import LipSeam, fit_lips


def poses(template, neutral, deltas):
    """Every pose that is looked at: (V, 3) of the template, and of the person."""
    names = template.shape_names
    yield template.vertices.astype(np.float64), neutral.astype(np.float64)
    for k, name in enumerate(names):
        rows = [k, names.index("jawOpen")] if name == "mouthClose" else [k]
        usual = template.vertices.astype(np.float64) + template.shape_deltas[rows].sum(0)
        yield usual, neutral.astype(np.float64) + deltas[rows].sum(0)


def worst(template, neutral, deltas):
    """The most that lips are out of what the template allows, metres, over all poses."""
    seam = LipSeam.of(template)
    every = poses(template, neutral, deltas)
    return max(np.abs(seam.excess(template, usual, own)).max() for usual, own in every)


def test_ragged_lips_meet_in_every_shape(anny_head):
    template = anny_head
    neutral, deltas = rough_rig(template, 3, 0.003, 0.0015)
    rng = np.random.default_rng(0)
    lips = template.regions["lips"]
    neutral[lips] += rng.normal(0, 5e-4, (lips.sum(), 3)).astype(np.float32)  # a ragged rim
    assert worst(template, neutral, deltas) > 1e-3
    done = fit_lips(template, neutral, deltas)
    assert worst(template, *done) < 5e-6
    for array, again in zip(done, fit_lips(template, *done), strict=True):
        np.testing.assert_allclose(again, array, atol=1e-6)


def test_the_template_and_all_far_from_the_seam_stay(anny_head):
    template = anny_head
    for array, own in zip(
        fit_lips(template, template.vertices, template.shape_deltas),
        (template.vertices, template.shape_deltas),
        strict=True,
    ):
        np.testing.assert_array_equal(array, own)
    rough = rough_rig(template, 4, 0.003, 0.0015)
    copies = [array.copy() for array in rough]
    neutral, deltas = fit_lips(template, *rough)
    for array, copy in zip(rough, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    v = template.vertices
    away = np.linalg.norm(v[:, None] - v[template.regions["lips"]], axis=2).min(1)
    rigid = template.regions["teeth"] | template.regions["tongue"] | template.regions["eyes"]
    far = (away > 0.009) | rigid
    np.testing.assert_array_equal(neutral[far], rough[0][far])
    np.testing.assert_array_equal(deltas[:, far], rough[1][:, far])


def test_a_jaw_fitted_alone_is_still_undone_by_mouth_close(anny_head):
    """The other half of the pair, which nobody saw, remained the template's."""
    names = anny_head.shape_names
    jaw, close = names.index("jawOpen"), names.index("mouthClose")
    deltas = anny_head.shape_deltas.copy()
    deltas[jaw] *= 1.15
    seam = LipSeam.of(anny_head)

    def gap(shapes):
        both = anny_head.vertices.astype(np.float64) + shapes[jaw] + shapes[close]
        return np.linalg.norm(both[seam.upper] - both[seam.lower], axis=1).mean()

    usual = gap(anny_head.shape_deltas)
    _, done = fit_lips(anny_head, anny_head.vertices, deltas)
    assert gap(deltas) > usual + 0.002 and gap(done) < usual + 0.001
    np.testing.assert_array_equal(done[jaw], deltas[jaw])  # a mouth that is open may be


def test_lips_held_open_are_left_open(anny_head):
    opened = anny_head.shape_deltas[anny_head.shape_names.index("jawOpen")]
    neutral = (anny_head.vertices + np.float32(0.4) * opened).astype(np.float32)
    done, _ = fit_lips(anny_head, neutral, anny_head.shape_deltas)
    np.testing.assert_array_equal(done, neutral)


def test_a_head_whose_lips_are_not_known_stays(ict_head):
    assert not ict_head.regions["lips"].any() and LipSeam.of(ict_head) is None
    rough = rough_rig(ict_head, 4, 0.003, 0.0015)
    for array, own in zip(fit_lips(ict_head, *rough), rough, strict=True):
        np.testing.assert_array_equal(array, own)
