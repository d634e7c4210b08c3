"""Small images, and a tracker whose faces depend on the first pixel alone."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from mien.tracker.face_track import FaceTrack


def png(seed=0, size=(32, 24)):
    rng = np.random.default_rng(seed)
    buffer = io.BytesIO()
    image = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


class Faces:
    """Sees `max_faces` faces that depend on the image's first pixel."""

    def __init__(self, max_faces):
        self.max_faces = max_faces
        self.images = []

    def track(self, image, time_s=None):
        self.images.append(image)
        tracks = [self.face(i, int(image[0, 0, 0])) for i in range(self.max_faces)]
        return tracks[::-1]  # ids must decide the order of answers, not the tracker's

    @staticmethod
    def face(face_id, seed):
        rng = np.random.default_rng((face_id, seed))
        q = rng.normal(size=4)
        return FaceTrack(
            face_id=face_id, presence=0.75, landmarks=rng.random((478, 3), np.float32),
            scores=rng.random(52, np.float32), deep=rng.random(512, np.float32),
            deep_map=rng.random(2048, np.float32),
            head_rotation_xyzw=(q / np.linalg.norm(q)).astype(np.float32),
            head_translation_m=rng.random(3, np.float32), box=rng.random(4, np.float32),
        )  # fmt: skip


IMAGES = [(png(i), 1 + i / 30) for i in range(6)]


def seen_in(data, face_id):
    return Faces.face(face_id, int(np.asarray(Image.open(io.BytesIO(data)))[0, 0, 0]))
