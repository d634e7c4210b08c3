"""The face is the face, and sets grow by rings."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.geometry.laplacian import dilated
from mien_training.head import LandmarkMap, Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.templates import load_template
from mien_training.templates.regions import face_region, scalp_share


@pytest.fixture(scope="module")
def template() -> Template:
    return load_template("anny")


@pytest.fixture(scope="module")
def face(template):
    return face_region(template)


def landmark_points(template, *indices):
    return template.landmarks.positions(template.vertices, template.triangles)[list(indices)]


def corners(template, face, index):
    """Are the corners of the triangle that carries this landmark in the face?"""
    return face[template.triangles[template.landmarks.triangle[index]]]


def test_the_face_holds_its_features_and_nothing_else(template, face):
    # Tip of the nose, beside and below the mouth, cheeks, chin, between the brows.
    for index in (4, 57, 287, 17, 50, 280, 199, 9):
        assert corners(template, face, index).all(), index
    for region in ("eyes", "teeth", "tongue", "mouthCavity"):
        assert not (face & template.regions[region]).any(), region
    assert template.regions["lips"][face].any() and template.regions["brows"][face].any()
    at = template.vertices[face]
    top, chin, left = landmark_points(template, 10, 152, 454)
    assert at[:, 1].max() < top[1] and at[:, 1].min() > chin[1]
    assert at[:, 0].max() < left[0]  # no ears
    assert at[:, 2].min() > template.joints[2].position[2]


def test_the_face_has_two_like_halves(template, face):
    assert (face == face[template.mirror]).mean() > 0.99


def test_what_another_part_hides_is_not_face(template, face):
    """A plate before the mouth: the rest stays."""
    x, y, z = landmark_points(template, 13)[0]
    plate = np.array([[x - 0.03, y - 0.02, z + 0.05], [x + 0.03, y - 0.02, z + 0.05],
                      [x + 0.03, y + 0.02, z + 0.05], [x - 0.03, y + 0.02, z + 0.05]])  # fmt: skip
    count = len(template.vertices)
    hidden = replace(
        template,
        vertices=np.concatenate([template.vertices, plate.astype(np.float32)]),
        triangles=np.concatenate(
            [template.triangles, np.array([[0, 1, 2], [0, 2, 3]], np.int32) + count]
        ),
        regions={k: np.append(v, [False] * 4) for k, v in template.regions.items()},
    )
    lost = face & ~face_region(hidden)[:count]
    behind = (np.abs(template.vertices[:, :2] - [x, y]) < [0.02, 0.01]).all(1)
    around = (np.abs(template.vertices[:, :2] - [x, y]) < [0.04, 0.03]).all(1)
    assert lost.sum() > 20
    assert lost[face & behind].all() and not lost[~around].any()


def test_a_template_without_landmarks_has_no_face_region(template):
    none = LandmarkMap(np.full(478, -1, np.int32), np.zeros((478, 3), np.float32))
    with pytest.raises(InputError, match="landmarks"):
        face_region(replace(template, landmarks=none))


def strip(count=6):
    """Vertices 0..count-1 in a band of triangles: neighbours are one or two apart."""
    return np.array([[i, i + 1, i + 2] for i in range(count - 2)])


def test_sets_grow_by_rings():
    members = np.zeros((2, 6), bool)
    members[0, 0] = members[1, 3] = True
    np.testing.assert_array_equal(dilated(members, strip(), 0), members)
    one = dilated(members, strip(), 1)
    np.testing.assert_array_equal(one, [[1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 1]])
    np.testing.assert_array_equal(dilated(members, strip(), 2), dilated(one, strip(), 1))
    np.testing.assert_array_equal(dilated(members[0], strip(), 1), one[0])
    assert not dilated(np.zeros(6, bool), strip(), 5).any()
    with pytest.raises(InputError, match="rings"):
        dilated(members, strip(), -1)


def test_the_scalp_lies_above_a_hairline_and_not_on_ears(template):
    share, ears = scalp_share(template, template.vertices)
    frame = FaceFrame.of(template, template.vertices)
    q = frame.local(template.vertices)
    assert share.min() >= 0 and share.max() == 1
    assert not share[ears].any() and not share[~template.regions["skin"]].any()
    front = (template.vertices[:, 2] > frame.skull_z + frame.unit) & (share > 0.25)
    assert q[front, 1].min() > 0.9  # above the forehead
    assert share[template.regions["skin"] & (q[:, 1] > 1.7)].min() > 0.9  # the crown
    assert 100 < ears.sum() < 0.4 * len(ears)
    assert np.abs(q[ears, 0]).min() > 1.0
