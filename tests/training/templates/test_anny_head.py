"""The default head: the laws of every template, its 52 shapes, its teeth, its people."""

import numpy as np
import pytest
from support import template_laws

from mien.channels import ARKIT_CHANNELS

JAW = ("jawForward", "jawLeft", "jawRight", "jawOpen", "tongueOut")
"""Shapes in which the lower teeth move; tongueOut parts the jaw for the tongue."""


@pytest.fixture(scope="module")
def arches(anny):
    """(V,) members of the upper and of the lower arch, teeth only."""
    teeth = anny.regions["teeth"]
    moves = np.abs(anny.shape_deltas[anny.shape_names.index("jawOpen")]).max(1) > 0
    return teeth & ~moves, teeth & moves


@pytest.mark.parametrize("law", ["mesh", "regions", "joints", "gaze", "landmarks", "skull"])
def test_laws(anny, law):
    getattr(template_laws, f"check_{law}")(anny)


def test_mirror(anny):
    template_laws.check_mirror(anny, off_m=0.003)


def test_all_channels_move(anny):
    assert anny.shape_names == ARKIT_CHANNELS
    assert (np.abs(anny.shape_deltas).max((1, 2)) > 0.001).all()


def test_upper_teeth_stand_still_in_every_shape(anny, arches):
    upper, lower = arches
    assert upper.sum() == lower.sum() > 300
    assert np.abs(anny.shape_deltas[:, upper]).max() == 0


def test_lower_teeth_are_rigid_with_the_jaw(anny, arches):
    points = anny.vertices[arches[1]]
    a, b = np.random.default_rng(0).integers(0, len(points), (2, 3000))
    rest = np.linalg.norm(points[a] - points[b], axis=1)
    for name, deltas in zip(anny.shape_names, anny.shape_deltas, strict=True):
        moved = points + deltas[arches[1]]
        np.testing.assert_allclose(
            np.linalg.norm(moved[a] - moved[b], axis=1), rest, atol=1e-4, err_msg=name
        )
        assert (np.abs(deltas[arches[1]]).max() > 0.001) == (name in JAW)
    drop = anny.shape_deltas[anny.shape_names.index("jawOpen")][arches[1], 1]
    assert drop.min() < -0.015


def posed(anny, **weights):
    """(V, 3) the neutral with these shapes."""
    rows = [anny.shape_names.index(name) for name in weights]
    return anny.vertices + np.tensordot(list(weights.values()), anny.shape_deltas[rows], axes=1)


def test_tongue_leaves_the_mouth_between_lips_and_teeth(anny):
    """Out before the lips and over the lower one, alone and with an open jaw, through nothing."""
    from mien_training.geometry.self_intersection import self_intersections
    from mien_training.head import MATERIALS

    tongue = anny.regions["tongue"]
    material = anny.triangle_material
    opened = anny.shape_deltas[anny.shape_names.index("jawOpen")]
    lower = anny.regions["lips"] & (np.abs(anny.vertices[:, 0]) < 0.01) & (opened[:, 1] < -0.02)
    for jaw in (0.0, 0.3, 0.7):
        vertices = posed(anny, tongueOut=1.0, jawOpen=jaw)
        tip = vertices[tongue]
        before = tip[tip[:, 2] > vertices[lower, 2].max() + 0.002]
        assert len(before) > 30, jaw
        first, second = self_intersections(vertices, anny.triangles).T
        pairs = np.sort(np.stack([material[first], material[second]], 1), axis=1)
        own = pairs == MATERIALS.index("tongue")
        assert not (own.any(1) & ~own.all(1)).any(), jaw
    alone = posed(anny, tongueOut=1.0)
    assert alone[tongue, 1].min() < alone[lower, 1].max() - 0.008  # it hangs over the lower lip


def test_tongue_out_parts_the_jaw_no_farther_than_it_must(anny):
    """Skin moves as in a quarter of jawOpen, which users add to it."""
    from mien_training.templates.mouth_shapes import TONGUE_OUT_JAW

    skin = anny.regions["skin"]
    out, opened = (anny.shape_deltas[anny.shape_names.index(n)] for n in ("tongueOut", "jawOpen"))
    assert TONGUE_OUT_JAW <= 0.25
    np.testing.assert_allclose(out[skin], TONGUE_OUT_JAW * opened[skin], atol=1e-6)


def test_tip_of_the_tongue_is_light_when_it_is_out(anny):
    """It must not bring the dark of the mouth along."""
    from mien_training.head import rig_from_template
    from mien_training.rendering.ambient_occlusion import rig_ambient_occlusion

    rig, source = rig_from_template(anny, "anny")
    out = posed(anny, tongueOut=1.0)[source]
    tongue = np.flatnonzero(anny.regions["tongue"][source])
    tip = tongue[out[tongue, 2] > np.quantile(out[tongue, 2], 0.85)]
    above = tip[rig.normals[tip, 1] > 0.3]
    assert len(above) > 5
    assert rig_ambient_occlusion(rig)[above].mean() > 0.6


def test_mouth_closes_over_an_open_jaw_without_a_fold(anny):
    """Down the middle from lower lip to chin, skin stays in order and nowhere piles up."""
    v = anny.vertices
    at = np.flatnonzero(anny.regions["skin"] & (np.abs(v[:, 0]) < 0.0015) & (v[:, 2] > 0.125))
    at = at[(v[at, 1] < 0.0625) & (v[at, 1] > 0.035)]
    at = at[np.argsort(-v[at, 1])]
    assert len(at) >= 7
    for jaw in (0.5, 1.0):
        shut = posed(anny, jawOpen=jaw, mouthClose=jaw)
        before, after = (-np.diff(p[at, 1]) for p in (v, shut))
        assert (after > 0.3 * before).all(), (jaw, before, after)


def test_teeth_are_behind_the_lips(anny, arches):
    """In the middle, where the mouth is foremost, neutral lips stand before the teeth."""
    for arch in arches:
        middle = np.abs(anny.vertices[:, 0]) < 0.01
        lips = anny.vertices[anny.regions["lips"] & middle]
        teeth = anny.vertices[arch & middle]
        assert teeth[:, 2].max() < lips[:, 2].max() - 0.002


def test_lids_meet_in_a_blink(anny):
    """From the front no eyeball is seen between closed lids."""
    from mien_training.cameras import look_at_camera
    from mien_training.head import MATERIALS, rig_from_template
    from mien_training.rendering import HeadRenderer

    rig, _ = rig_from_template(anny, "anny")
    renderer = HeadRenderer(rig)
    target = np.array(anny.joints[3].position) * [0, 1, 1]
    camera = look_at_camera(target + [0, 0, 1.0], target, 0.12, 256, 256)

    def seen(vertices):
        triangle = renderer.visible(vertices, camera)
        eye = rig.triangle_material[triangle] == MATERIALS.index("eye")
        return int((eye & (triangle >= 0)).sum())

    rows = [rig.shape_names.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    assert seen(rig.vertices) > 500
    assert seen(rig.vertices + rig.shape_deltas[rows].sum(0)) <= 0.02 * seen(rig.vertices)


def test_people_are_distinct_and_repeatable(anny):
    people = [anny.identity.sample(seed) for seed in range(6)]
    np.testing.assert_array_equal(people[3], anny.identity.sample(3))
    face = anny.regions["skin"]
    for i, a in enumerate(people):
        size = np.ptp((anny.vertices + a)[face], axis=0)
        assert (0.8 < size / np.ptp(anny.vertices[face], axis=0)).all()
        assert (size / np.ptp(anny.vertices[face], axis=0) < 1.25).all()
        for b in people[:i]:
            assert np.linalg.norm((a - b)[face], axis=1).mean() > 0.001


def test_modes_are_orthogonal_and_ordered(anny):
    flat = anny.identity.modes.reshape(len(anny.identity.modes), -1).astype(np.float64)
    gram = flat @ flat.T
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-3 * gram[0, 0]
    assert (np.diff(np.diag(gram)) <= 0).all()
