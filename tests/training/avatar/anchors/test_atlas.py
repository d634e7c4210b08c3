"""No two triangles share a place, all that is seen has one, and neighbours stay neighbours."""

import numpy as np
import pytest

from mien.avatar import pose_anchors
from mien.errors import InputError
from mien.rotation import matrix_from_quaternion, quaternion_from_rotation_vector
from mien_training.templates.regions import scalp_share


def covered(places, size):
    """(size, size) how many triangles (F, 3, 2) each texel's centre lies inside of."""
    count = np.zeros((size, size), np.int32)
    for p in places.astype(np.float64) * size:
        low = np.maximum(np.ceil(p.min(0) - 0.5).astype(int), 0)
        high = np.minimum(np.floor(p.max(0) - 0.5).astype(int), size - 1)
        if (high < low).any():
            continue
        x, y = np.meshgrid(np.arange(low[0], high[0] + 1) + 0.5,
                           np.arange(low[1], high[1] + 1) + 0.5)  # fmt: skip
        inside = np.ones(x.shape, np.bool_)
        for a, b in ((0, 1), (1, 2), (2, 0)):
            edge = p[b] - p[a]
            inside &= edge[0] * (y - p[a, 1]) - edge[1] * (x - p[a, 0]) < -1e-9
        count[low[1] : high[1] + 1, low[0] : high[0] + 1] += inside
    return count


@pytest.fixture(scope="module", params=["anny_atlas", "ball_atlas"])
def atlas(request):
    return request.getfixturevalue(request.param)


def test_no_two_triangles_overlap(atlas):
    places = atlas.uvs[atlas.triangles].astype(np.float64)
    first, second = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]
    # Counter-clockwise as seen, v downwards: none is turned over, none has shrunk to nothing.
    assert (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).max() < 0
    assert places.min() >= 0 and places.max() <= 1
    assert covered(places, 512).max() == 1


def test_every_triangle_is_the_templates(atlas):
    template = atlas.template
    np.testing.assert_array_equal(atlas.source[atlas.triangles], template.triangles)


def test_groups_have_rectangles_of_their_own(atlas):
    for name, (left, top, width, height) in atlas.regions.items():
        places = atlas.uvs[atlas.triangles[atlas.group == name]].reshape(-1, 2)
        assert (places >= np.array([left, top]) - 1e-6).all(), name
        assert (places <= np.array([left + width, top + height]) + 1e-6).all(), name


def test_both_eyes_are_apart(anny_atlas):
    anchors = anny_atlas.anchors(128)
    group = anny_atlas.group[anchors.triangle]
    x = pose_anchors(anchors, anny_atlas.template.vertices).positions[:, 0]
    assert x[group == "leftEye"].min() > 0 > x[group == "rightEye"].max()
    assert min((group == "leftEye").sum(), (group == "rightEye").sum()) > 500


def test_the_face_gets_more_than_the_scalp(anny_atlas):
    template, anchors = anny_atlas.template, anny_atlas.anchors(256)
    skin = anny_atlas.group[anchors.triangle] == "skin"
    assert skin.mean() > 0.65

    def texels_per_area(chosen):
        members = chosen[template.triangles].all(1) & (template.triangle_material == 0)
        p = template.vertices[template.triangles[members]]
        area = 0.5e4 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1).sum()
        return np.isin(anchors.triangle, np.flatnonzero(members)).sum() / area

    scalp = scalp_share(template, template.vertices)[0] > 0.25
    assert texels_per_area(template.regions["lips"]) > 2.3 * texels_per_area(scalp)
    assert texels_per_area(template.regions["brows"]) > 1.8 * texels_per_area(scalp)


def test_what_is_seen_owns_a_texel(anny_atlas):
    def without(size):
        owned = np.bincount(anny_atlas.anchors(size).triangle, minlength=len(anny_atlas.seen))
        return int((anny_atlas.seen & (owned == 0)).sum())

    assert anny_atlas.seen.sum() > 8000
    assert without(256) == 0
    assert without(128) < 0.45 * anny_atlas.seen.sum()  # 8215 triangles on 13,000 texels


@pytest.mark.parametrize("size", [64, 256])
def test_each_texel_lies_in_its_triangle(atlas, size):
    anchors = atlas.anchors(size)
    assert (np.diff(anchors.texel) > 0).all()
    assert anchors.bary.min() >= -1e-6
    np.testing.assert_allclose(anchors.bary.sum(1), 1, atol=1e-5)
    place = (atlas.uvs[atlas.triangles[anchors.triangle]] * anchors.bary[..., None]).sum(1)
    centre = np.stack([anchors.texel % size, anchors.texel // size], 1) + 0.5
    away = np.abs(place * size - centre).max(1)
    assert np.median(away) < 1e-3 and away.max() < 7  # but for those given to small triangles
    assert (away > 0.01).mean() < 0.1


def neighbours(atlas, size):
    """(P, 2) anchors side by side on one piece, both on skin that is seen."""
    anchors = atlas.anchors(size)
    at = np.full(size * size, -1)
    at[anchors.texel] = np.arange(len(anchors.texel))
    at = at.reshape(size, size)
    pairs = np.concatenate([
        np.stack([at[:, :-1].ravel(), at[:, 1:].ravel()], 1),
        np.stack([at[:-1].ravel(), at[1:].ravel()], 1),
    ])  # fmt: skip
    pairs = pairs[(pairs >= 0).all(1)]
    a, b = anchors.triangle[pairs].T
    return pairs[(atlas.piece[a] == atlas.piece[b]) & atlas.seen[a] & atlas.seen[b]]


def test_neighbours_on_the_atlas_are_neighbours_on_the_head(anny_atlas):
    anchors = anny_atlas.anchors(256)
    rest = pose_anchors(anchors, anny_atlas.template.vertices)
    pairs = neighbours(anny_atlas, 256)
    away = np.linalg.norm(rest.positions[pairs[:, 0]] - rest.positions[pairs[:, 1]], axis=1)
    assert np.median(away) < 0.002
    assert np.quantile(away, 0.99) < 0.01 and away.max() < 0.035
    turn = np.swapaxes(rest.rotations[pairs[:, 0]], 1, 2) @ rest.rotations[pairs[:, 1]]
    angle = np.degrees(np.arccos(((np.trace(turn, axis1=1, axis2=2) - 1) / 2).clip(-1, 1)))
    assert np.median(angle) < 4 and np.quantile(angle, 0.99) < 60


def test_frames_turn_with_the_head(anny_atlas):
    anchors, v = anny_atlas.anchors(64), anny_atlas.template.vertices
    turn = matrix_from_quaternion(quaternion_from_rotation_vector([0.3, -0.8, 0.2]))
    rest = pose_anchors(anchors, v)
    moved = pose_anchors(anchors, v.astype(np.float64) @ turn.T + (0.1, 0.2, 0.3))
    np.testing.assert_allclose(
        moved.positions, rest.positions @ turn.T + (0.1, 0.2, 0.3), atol=1e-9
    )
    np.testing.assert_allclose(moved.rotations, turn @ rest.rotations, atol=1e-7)
    np.testing.assert_allclose(rest.scales, 1, atol=1e-5)


def test_sizes_out_of_range_are_refused(ball_atlas):
    for size in (32, 1024):
        with pytest.raises(InputError, match=f"size {size}, expected 64 to 512"):
            ball_atlas.anchors(size)


def test_ict_facekit(ict_folder):
    """Another topology, 46,000 triangles of which 26,000 can be seen."""
    from mien_training.avatar.anchors import AnchorAtlas
    from mien_training.templates.ict import build_ict

    atlas = AnchorAtlas.of(build_ict(ict_folder))
    places = atlas.uvs[atlas.triangles].astype(np.float64)
    first, second = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]
    assert (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).max() < 0
    assert covered(places, 512).max() == 1
    owned = np.bincount(atlas.anchors(512).triangle, minlength=len(atlas.seen))
    assert not (atlas.seen & (owned == 0)).any()
