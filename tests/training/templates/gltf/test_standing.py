"""A head of any size and turn comes to stand; one that stands is left as it is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.channels import ARKIT_CHANNELS, mirror_name
from mien_training.geometry.alignment import Alignment
from mien_training.templates.gltf.reading.gltf_primitives import Primitive
from mien_training.templates.gltf.standing import stand_upright


@pytest.fixture(scope="module")
def head(anny):
    deltas = np.zeros((52, *anny.vertices.shape))
    for name, delta in zip(anny.shape_names, anny.shape_deltas, strict=True):
        deltas[ARKIT_CHANNELS.index(name)] = delta
    triangles = anny.triangles.astype(np.int64)
    return Primitive((), anny.vertices.astype(float), anny.uvs, triangles, deltas,
                     frozenset(anny.shape_names))  # fmt: skip


def moved(head, turn, scale=1.0, shift=(0, 0, 0)):
    motion = Alignment(Rotation.as_matrix(turn), np.array(shift, float), scale)
    return replace(
        head, vertices=motion.points(head.vertices), deltas=motion.vectors(head.deltas)
    ), motion


def test_a_head_that_stands_is_left_alone(head):
    for scale in (0.7, 1.0, 1.5):
        for lean in ([0.2, 0, 0], [-0.2, 0, 0], [0, 0.05, 0.05]):
            piece, _ = moved(head, Rotation.from_rotvec(lean), scale)
            standing = stand_upright([piece])
            assert standing.notes == () and standing.pieces[0] is piece


def test_shapes_of_one_side_do_not_turn_it(head):
    lacking = ("mouthSmileRight", "mouthFrownRight", "browDownLeft", "mouthLeft", "eyeWideLeft")
    deltas = head.deltas.copy()
    deltas[[ARKIT_CHANNELS.index(name) for name in lacking]] = 0
    assert stand_upright([replace(head, deltas=deltas)]).notes == ()


@pytest.mark.parametrize("turn", list(Rotation.create_group("O")), ids=range(24))
def test_axes_and_units_are_undone_exactly(head, turn):
    for scale, word in ((100.0, "centimetres"), (1000.0, "millimetres"), (39.37, "inches")):
        piece, motion = moved(head, turn, scale, (3, -2, 8))
        standing = stand_upright([piece])
        (back,) = standing.pieces
        shift = back.vertices - head.vertices * (scale * standing.upright_from_source.scale)
        np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-9)
        np.testing.assert_allclose(back.deltas[24], head.deltas[24], rtol=1e-3, atol=1e-9)
        assert any(word in note for note in standing.notes)
        assert any("turned" in note for note in standing.notes) == (turn.magnitude() > 1e-6)
        place = standing.upright_from_source.points(motion.points(head.vertices))
        np.testing.assert_array_equal(place, back.vertices)


def test_any_other_turn_and_size_within_a_few_degrees(head):
    for turn in Rotation.random(20, np.random.default_rng(0)):
        piece, _ = moved(head, turn, 7.0)
        (back,) = stand_upright([piece]).pieces
        rest = back.deltas[24] / np.linalg.norm(back.deltas[24])
        expected = head.deltas[24] / np.linalg.norm(head.deltas[24])
        assert (rest * expected).sum() > np.cos(np.radians(20))
        size = np.ptp(back.vertices, axis=0).max() / np.ptp(head.vertices, axis=0).max()
        assert 0.9 < size < 1.1


def test_parts_move_together(head):
    piece, _ = moved(head, Rotation.from_rotvec([0, np.pi, 0]), 100.0)
    still = replace(piece, deltas=np.zeros_like(piece.deltas), known=frozenset())
    first, second = stand_upright([piece, still]).pieces
    np.testing.assert_array_equal(first.vertices, second.vertices)


def test_names_from_the_viewers_side_are_swapped(head):
    rows = [ARKIT_CHANNELS.index(mirror_name(name)) for name in ARKIT_CHANNELS]
    standing = stand_upright([replace(head, deltas=head.deltas[rows])])
    np.testing.assert_array_equal(standing.pieces[0].deltas, head.deltas)
    assert "swapped" in standing.notes[0]


def test_without_sided_shapes_nothing_is_known(head):
    deltas = (
        head.deltas
        * np.array([not n.endswith(("Left", "Right")) for n in ARKIT_CHANNELS])[:, None, None]
    )
    piece = replace(head, vertices=100 * head.vertices, deltas=deltas)
    assert stand_upright([piece]).pieces[0] is piece
