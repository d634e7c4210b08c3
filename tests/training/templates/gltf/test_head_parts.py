"""What is no head is left out; what the names do not tell, the user's words do."""

import numpy as np
import pytest

from mien_training.templates.assemble import Part
from mien_training.templates.gltf.head_parts import (
    LEFT_OUT,
    label_pieces,
    part_rows,
    weld,
    within_reach,
)
from mien_training.templates.gltf.reading.gltf_primitives import Primitive
from mien_training.templates.placing import Placing


def piece(*names, moves=0.0):
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    deltas = np.zeros((52, 6, 3))
    deltas[24] = moves
    uvs = np.zeros((6, 2))
    return Primitive(names, vertices, uvs, np.arange(6).reshape(2, 3), deltas, frozenset())


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (("Wolf3D_Skin", "Wolf3D_Head"), "skin"), (("Wolf3D_Teeth",), "teeth"),
        (("Wolf3D_Eye", "EyeLeft"), "eye"), (("Wolf3D_Hair",), LEFT_OUT),
        (("Wolf3D_Outfit_Top",), LEFT_OUT), (("Wolf3D_Glasses",), LEFT_OUT),
        (("Wolf3D_Body",), "skin"), (("EyeLashes",), LEFT_OUT), (("eyelid_L",), "skin"),
        (("N00_000_00_FaceEyeline_00_FACE",), LEFT_OUT), (("N00_000_00_FaceBrow_00",), LEFT_OUT),
        (("N00_000_00_FaceMouth_00_FACE",), "mouth"), (("EyeIris_00_EYE",), "eye"), ((), "skin"),
    ],
)  # fmt: skip
def test_names_tell(names, label):
    face = piece("Face", moves=1.0)
    assert label_pieces("x.glb", [face, piece(*names)], {}) == ["skin", label]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("brown", "skin"), ("Skin_LightBrown", "skin"), ("Eyes_Brown", "eye"), ("Chair", "skin"),
        ("eyeball_lowpoly_brown", "eye"), ("Iris_Head", "skin"), ("Head_Iris_L", "eye"),
        ("Iris", "eye"), ("Coral", "skin"), ("Head_Oralie", "skin"), ("Flash", "skin"),
        ("lefteye", "eye"), ("LEye01", "eye"), ("eyeballs.L", "eye"), ("Eye Lid", "skin"),
        ("EYELASHES", LEFT_OUT), ("eyebrows", LEFT_OUT), ("CC_Base_TearLine", LEFT_OUT),
        ("Std_Eye_Occlusion_L", LEFT_OUT), ("EyeAO", LEFT_OUT), ("longhair", LEFT_OUT),
        ("Hair-Back", LEFT_OUT), ("clothes", LEFT_OUT), ("upperteeth", "teeth"),
        ("mouth_cavity", "mouth"), ("GumsLower", "mouth"), ("Wolf3D_Facewear", LEFT_OUT),
    ],
)  # fmt: skip
def test_whole_words_tell(name, label):
    face = piece("Face", moves=1.0)
    assert label_pieces("x.glb", [face, piece(name)], {}) == ["skin", label]


def test_a_beard_that_carries_the_shapes_is_not_the_face():
    """Cards may have more vertices than the face, and move as far."""
    head, beard = piece("Head", moves=0.1), piece("Beard", moves=1.0)
    assert label_pieces("x.glb", [head, beard], {}) == ["skin", LEFT_OUT]


def test_the_face_is_never_left_out_and_the_user_has_the_last_word():
    hairy, teeth = piece("Hair_Man", moves=1.0), piece("Teeth", moves=0.5)
    assert label_pieces("x.glb", [hairy, teeth, piece("Hair")], {}) == ["skin", "teeth", LEFT_OUT]
    given = {"skin": ("Hair",), "eye": ("Teeth",)}
    assert label_pieces("x.glb", [hairy, teeth, piece("Hair")], given) == ["skin", "eye", "skin"]


def test_seams_are_welded_and_rows_cut():
    part = weld(piece("a", moves=1.0), "skin", [24])
    assert part.vertices.shape == (4, 3) and part.deltas.shape == (1, 4, 3)
    assert np.ptp(part.uvs) > 0  # it had none
    half = part_rows(part, np.array([True, False]), "eye")
    assert half.label.tolist() == ["eye"] and len(half.vertices) == 3
    assert part_rows(part, np.array([False, False])) is None


def test_a_body_is_cut_off():
    heights = np.array([0.1, 0.0, -0.05, -0.2, -0.9])
    vertices = np.concatenate([np.stack([0 * heights + x, heights, 0 * heights], 1)
                               for x in (0.0, 0.01, 0.6)])  # fmt: skip
    polygons = np.array([[k, k + 5, k + 1, -1] for k in range(4)] + [[10, 11, 12, -1]])
    part = Part(vertices, polygons, np.zeros((15, 2)), polygons, np.full(5, "skin"),
                np.zeros((1, 15, 3)))  # fmt: skip
    placing = Placing(np.zeros(3), (), np.zeros((15, 5), np.float32), (0, 0, 0), 1.0)
    (kept,) = within_reach([part], placing)
    assert len(kept.label) == 2 and kept.vertices[:, 1].min() == -0.05
