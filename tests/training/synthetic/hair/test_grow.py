"""Hair grows on the scalp, stays out of the head and off the face, and follows its style."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from mien.errors import InputError
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.hair import HairStyle, grow_hair
from mien_training.synthetic.hair.style import NAMED_STYLES
from mien_training.templates.regions import scalp_share

BROWN = (62, 42, 28)


@pytest.fixture(scope="module")
def frame(anny):
    return FaceFrame.of(anny, anny.vertices)


@pytest.fixture(scope="module", params=[2, 5, 7])
def hair(request, anny):
    return grow_hair(anny, anny.vertices, HairStyle.random(request.param, 300), BROWN)


def strands(hair, count=300):
    """(N, S, 3) middles of the ribbons, and whether each point is drawn."""
    sides = hair.vertices.reshape(count, -1, 2, 3)
    drawn = np.zeros(len(hair.vertices), np.bool_)
    drawn[hair.mesh.triangles] = True
    return sides.mean(2), drawn.reshape(count, -1, 2).any(2)


def test_strands_begin_on_the_scalp(hair, anny, frame):
    points, _ = strands(hair)
    roots = points[:, 0]
    skin = anny.triangles[anny.triangle_material == 0]
    assert nearest_on_surface(anny.vertices, skin, roots).distance.max() < 1e-5
    local = frame.local(roots.astype(np.float32))
    in_front = roots[:, 2] > frame.skull_z + frame.unit
    assert local[in_front, 1].min() > 0.9  # above the forehead
    assert np.ptp(local[:, 0]) > 1.5 and local[:, 1].max() > 1.5


def test_strands_stay_out_of_the_head(hair, anny):
    points, drawn = strands(hair)
    skin = anny.triangles[anny.triangle_material == 0]
    nearest = nearest_on_surface(anny.vertices, skin, points[drawn])
    corners = anny.vertices[skin[nearest.triangle]].astype(float)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inside = ((points[drawn] - nearest.positions) * normal).sum(1) < 0
    assert (inside & (nearest.distance > 2e-3)).mean() < 0.01


def test_the_face_is_free(hair, frame):
    points, drawn = strands(hair)
    local = frame.local(points[drawn])
    front = points[drawn][:, 2] > frame.skull_z + frame.unit
    face = front & (local[:, 1] < 0.2) & (np.abs(local[:, 0]) < 0.9)
    assert not face.any()


def test_a_style_repeats_and_seeds_differ(anny):
    def vertices(seed):
        return grow_hair(anny, anny.vertices, HairStyle(seed, 50), BROWN).vertices

    np.testing.assert_array_equal(vertices(1), vertices(1))
    assert np.abs(vertices(1) - vertices(2)).max() > 0.01


def test_long_hair_hangs_lower_and_combing_turns_it(anny):
    def points(**options):
        style = replace(HairStyle(3, 200, clumping=0.0), **options)
        return strands(grow_hair(anny, anny.vertices, style, BROWN), 200)[0]

    short, long = points(length_m=0.04), points(length_m=0.2)
    assert long[..., 1].min() < short[..., 1].min() - 0.05
    back = points(combing="back", gravity=0.1)
    assert (back[:, -1] - back[:, 0])[:, 2].mean() < -0.02
    side = points(combing="parting", length_m=0.08)
    across = (side[:, -1] - side[:, 0])[:, 0]
    front = side[:, 0, 2] > np.median(side[:, 0, 2])
    assert (across * np.sign(side[:, 0, 0]))[front].mean() > 0.005


def test_ribbons_are_as_wide_as_asked_and_taper(anny):
    hair = grow_hair(anny, anny.vertices, HairStyle(4, 200, width_m=0.004), BROWN)
    sides = hair.vertices.reshape(200, -1, 2, 3)
    width = np.linalg.norm(sides[:, :, 1] - sides[:, :, 0], axis=-1)
    assert 0.0026 < np.median(width.max(1)) < 0.0044
    assert width[:, -1].max() < 1e-3 * 4
    np.testing.assert_allclose(np.linalg.norm(hair.normals, axis=1), 1, atol=1e-3)


def test_hair_goes_with_the_skull_and_its_roots_with_the_skin(anny):
    hair = grow_hair(anny, anny.vertices, HairStyle(4, 50), BROWN)
    still = np.zeros_like(anny.vertices)
    matrix = np.eye(4)
    matrix[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    matrix[:3, 3] = (0.1, 0.2, 0.3)
    placed = hair.place(still, matrix)
    np.testing.assert_allclose(
        placed.vertices, hair.vertices @ matrix[:3, :3].T + matrix[:3, 3], atol=1e-6
    )
    np.testing.assert_allclose(placed.normals, hair.normals @ matrix[:3, :3].T, atol=1e-6)
    raised = still.copy()
    raised[hair.root[0], 1] = 0.01
    lifted = hair.place(raised, np.eye(4)).vertices - hair.vertices
    np.testing.assert_allclose(lifted[hair.root == hair.root[0], 1], 0.01, atol=1e-6)
    assert not lifted[hair.root != hair.root[0]].any()


def test_a_head_without_a_scalp_has_no_hair(anny, monkeypatch):
    from mien_training.synthetic.hair import scalp

    def none(template, neutral):
        return np.zeros(len(neutral), np.float32), np.zeros(len(neutral), np.bool_)

    monkeypatch.setattr(scalp, "scalp_share", none)
    with pytest.raises(InputError, match="no scalp"):
        grow_hair(anny, anny.vertices, HairStyle(), BROWN)


@pytest.mark.parametrize("name", sorted(NAMED_STYLES))
def test_the_crown_is_not_bald(anny, frame, name):
    """From above, the scalp is covered but for a line."""
    style = HairStyle.named(name, 3, 2500)
    points, drawn = strands(grow_hair(anny, anny.vertices, style, BROWN), 2500)
    places = points[drawn]
    q = frame.local(anny.vertices)
    share, _ = scalp_share(anny, anny.vertices)
    top = anny.vertices[(share > 0.9) & (q[:, 1] > 1.2)]
    away, _ = cKDTree(places).query(top)
    assert np.quantile(away, 0.95) < 0.006 and away.max() < 0.012


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="'mullet', expected one of bob"):
        HairStyle.named("mullet")


@pytest.mark.parametrize("wrong", [{"strands": 0}, {"length_m": 0.0}, {"combing": "up"}])
def test_invalid_styles_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        HairStyle(**wrong)
