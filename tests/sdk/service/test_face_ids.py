"""Faces keep their numbers; those of a continued session go to the nearest face."""

import dataclasses

import numpy as np
from support.tracked_images import Faces

from mien.service.face_ids import FaceIds


def face(face_id, x_m=0.0):
    return dataclasses.replace(
        Faces.face(face_id, 0), head_translation_m=np.float32([x_m, 0, -0.5])
    )


def ids(tracks):
    return [track.face_id for track in tracks]


def test_a_new_sessions_faces_keep_the_trackers_numbers():
    faces = FaceIds()
    assert ids(faces.rename([face(1), face(0)])) == [0, 1]
    assert ids(faces.rename([face(1)])) == [1]
    assert ids(faces.rename([face(4), face(0)])) == [0, 2]


def test_faces_take_up_the_nearest_performer_and_keep_it():
    places = {3: np.float32([-0.2, 0, -0.5]), 7: np.float32([0.2, 0, -0.5])}
    faces = FaceIds(places)
    right, left = faces.rename([face(0, 0.19), face(1, -0.25)])[::-1]
    assert (left.face_id, right.face_id) == (3, 7)
    assert left.head_translation_m[0] < 0 < right.head_translation_m[0]
    # They move past each other; a third one is new.
    moved = faces.rename([face(0, -0.2), face(1, 0.2), face(2, 0.2)])
    assert ids(moved) == [3, 7, 8]
    assert [round(float(track.head_translation_m[0]), 1) for track in moved[:2]] == [0.2, -0.2]
