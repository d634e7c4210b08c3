"""Glasses stand before the eyes, off the skin, from ear to ear."""

import numpy as np
import pytest

from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.capture.occluders.glasses import draw_glasses


@pytest.mark.parametrize("seed", range(4))
def test_rims_enclose_the_eyes_and_no_part_is_in_the_head(anny, skin_of, seed):
    glasses = draw_glasses(anny, anny.vertices, seed)
    frame = FaceFrame.of(anny, anny.vertices)
    points = glasses.vertices
    front = points[points[:, 2] > frame.eyes[:, 2].mean() + frame.eye_radius]
    for eye in frame.eyes:
        own = front[np.sign(front[:, 0]) == np.sign(eye[0])]
        assert own[:, 0].min() < eye[0] < own[:, 0].max()
        assert own[:, 1].min() < eye[1] < own[:, 1].max()
    outside = skin_of(points)
    assert (outside > -0.001).mean() > 0.97 and np.quantile(outside, 0.002) > -0.006
    assert points[:, 2].min() < frame.skull_z  # behind the ears
    assert glasses.goes_with == "skull"


def test_dark_lenses_cover_what_clear_ones_show(anny):
    clear, dark = (draw_glasses(anny, anny.vertices, 1, d) for d in (False, True))
    np.testing.assert_array_equal(dark.vertices[: len(clear.vertices)], clear.vertices)
    lens = dark.mesh.triangles[len(clear.mesh.triangles) :]
    corners = dark.vertices[lens]
    area = 0.5 * np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    assert 2 * 0.0005 < area.sum() < 2 * 0.003  # two lenses of 5 to 30 square centimetres
    assert (dark.mesh.uvs[len(clear.vertices) :, 0] > 0.5).all()
