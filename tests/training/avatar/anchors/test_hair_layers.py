"""Layers lie outside the head, above the scalp, each further off than the one below."""

import numpy as np
import pytest

from mien.avatar import pose_anchors
from mien.errors import InputError
from mien_training.avatar.anchors import HairLayers
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.rendering.paint.face_frame import FaceFrame


@pytest.fixture(scope="module")
def layers(anny_atlas):
    return HairLayers.of(anny_atlas, 64)


@pytest.fixture(scope="module")
def lifted(anny_atlas, layers):
    rest = pose_anchors(anny_atlas.anchors(64), anny_atlas.template.vertices)
    return layers.lift(rest).positions.reshape(len(layers.offsets_m), -1, 3)


def test_layers_stay_outside_and_apart(anny_atlas, layers, lifted):
    template = anny_atlas.template
    skin = template.triangles[template.triangle_material == 0]
    for offset, places in zip(layers.offsets_m, lifted, strict=True):
        nearest = nearest_on_surface(template.vertices, skin, places)
        corners = template.vertices[skin[nearest.triangle]].astype(np.float64)
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert (
            ((places - nearest.positions) * normal).sum(1) > 0
        ).mean() > 0.99  # else an edge is nearest
        assert np.quantile(nearest.distance, 0.02) > 0.6 * offset
        assert nearest.distance.max() < 1.001 * offset


def test_they_cover_the_scalp_and_leave_the_face_free(anny_atlas, layers, lifted):
    frame = FaceFrame.of(anny_atlas.template, anny_atlas.template.vertices)
    q = frame.local(lifted[0].astype(np.float32))
    assert q[:, 1].max() > 1.8 and q[:, 2].min() < -2  # crown and back of the head
    front = lifted[0][:, 2] > frame.skull_z + frame.unit
    assert q[front, 1].min() > 0.5  # nothing before the eyes
    assert 200 < len(layers.chosen) < 0.5 * len(anny_atlas.anchors(64).texel)


def test_a_wider_margin_reaches_further_down(anny_atlas, layers):
    wider = HairLayers.of(anny_atlas, 64, beyond_m=0.04)
    assert set(layers.chosen) < set(wider.chosen)


@pytest.mark.parametrize("offsets", [(), (0.0, 0.01), (0.02, 0.01)])
def test_offsets_grow(anny_atlas, offsets):
    with pytest.raises(InputError, match="offsets_m"):
        HairLayers.of(anny_atlas, 64, offsets)
