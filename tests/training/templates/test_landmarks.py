"""Painting the points and looking from elsewhere: they stay on the surface they were found on."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import MienError
from mien_training.head.template import MATERIALS
from mien_training.templates import landmarks
from mien_training.templates.landmarks import BROW_POINTS, LID_POINTS, LIP_POINTS


def test_points_lie_on_skin_and_eyes(anny):
    material = anny.triangle_material[anny.landmarks.triangle]
    assert (material[:468] == MATERIALS.index("skin")).all()
    assert (material[468:] == MATERIALS.index("eye")).all()


def test_points_are_nearly_symmetric(anny):
    points = anny.landmarks.positions(anny.vertices, anny.triangles)
    for group in (LIP_POINTS, LID_POINTS, BROW_POINTS):
        outline = points[list(group)]
        mirrored = outline * [-1, 1, 1]
        gap = np.linalg.norm(mirrored[:, None] - outline[None], axis=2).min(1)
        assert gap.mean() < 0.004


def test_lip_points_part_when_the_jaw_opens(anny):
    opened = anny.vertices + anny.shape_deltas[anny.shape_names.index("jawOpen")]
    rest, open_ = (
        anny.landmarks.positions(v.astype(np.float32), anny.triangles)
        for v in (anny.vertices, opened)
    )
    assert rest[13, 1] - rest[14, 1] < 0.006
    assert open_[13, 1] - open_[14, 1] > 0.02
    assert np.linalg.norm(open_[10] - rest[10]) < 0.001


def test_blink_closes_the_lid_points(anny):
    closed = anny.vertices + anny.shape_deltas[anny.shape_names.index("eyeBlinkLeft")]
    gap = {}
    for name, v in (("rest", anny.vertices), ("closed", closed)):
        p = anny.landmarks.positions(v.astype(np.float32), anny.triangles)
        gap[name] = (p[386, 1] - p[374, 1], p[159, 1] - p[145, 1])
    assert gap["closed"][0] < 0.4 * gap["rest"][0]
    assert abs(gap["closed"][1] - gap["rest"][1]) < 0.0005


def test_lid_points_lie_on_the_rim_and_not_in_the_socket(anny):
    points = anny.landmarks.positions(anny.vertices, anny.triangles)
    for joint in anny.joints[3:]:
        own = [i for i in LID_POINTS if points[i, 0] * joint.position[0] > 0]
        assert len(own) > 10
        assert (points[own, 2] > joint.position[2]).all(), joint.name
    lids = anny.regions["lids"]
    sides = [int((lids & (anny.vertices[:, 0] * side > 0)).sum()) for side in (1, -1)]
    assert abs(sides[0] - sides[1]) <= 0.1 * max(sides)


def test_a_face_found_far_from_the_eyes_is_refused(anny, monkeypatch):
    """As it is where hair without a telling name hangs before it."""
    monkeypatch.setattr(landmarks._DrawnHead, "track", lambda *_: anny.landmarks)
    unseen = replace(anny.landmarks, triangle=np.full_like(anny.landmarks.triangle, -1))
    head = replace(anny, landmarks=unseen)
    assert landmarks.with_landmarks(head).regions["lids"].any()
    behind = [
        replace(joint, position=(*joint.position[:2], joint.position[2] - 0.05))
        for joint in anny.joints
    ]
    with pytest.raises(MienError, match=r"lids \d\d mm away from its eyeballs: something hides"):
        landmarks.with_landmarks(replace(head, joints=tuple(behind)))
