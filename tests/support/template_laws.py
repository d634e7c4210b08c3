"""What holds for every template, whatever its source."""

import numpy as np

from mien.channels import mirror_name
from mien.rig import JOINT_NAMES
from mien_training.head.template import MATERIALS


def check_mesh(template) -> None:
    count = len(template.vertices)
    quads = template.polygons[:, 3] >= 0
    assert len(template.triangles) == len(quads) + quads.sum()
    assert template.triangles.min() >= 0 and template.triangles.max() < count
    assert template.uv_triangles.shape == template.triangles.shape
    assert template.uvs.min() >= 0 and template.uvs.max() <= 1
    assert set(np.unique(template.triangle_material)) == set(range(len(MATERIALS)))
    eye = template.triangle_material == MATERIALS.index("eye")
    left = template.vertices[template.triangles[:, 0], 0] > 0
    a, b = (
        template.uvs[template.uv_triangles[eye & side]].reshape(-1, 2) for side in (left, ~left)
    )
    assert (a.min(0) > b.max(0)).any() or (b.min(0) > a.max(0)).any()  # each eye its own image
    for triangle, polygon in ((0, 0), (-1, -1)):
        owner = template.polygons[template.triangle_polygon[polygon]]
        assert set(template.triangles[triangle]) <= set(owner)
    assert template.shape_deltas.shape == (len(template.shape_names), count, 3)


def check_regions(template) -> None:
    regions = template.regions
    assert all(members.any() for members in regions.values())
    for part, whole in (("lips", "skin"), ("lids", "skin"), ("brows", "skin"), ("neck", "skin"),
                        ("iris", "eyes")):  # fmt: skip
        assert not (regions[part] & ~regions[whole]).any()
    assert not (regions["teeth"] & (regions["skin"] | regions["eyes"])).any()
    height = {name: template.vertices[members, 1].mean() for name, members in regions.items()}
    assert height["neck"] < height["lips"] < height["lids"] < height["brows"]


def check_mirror(template, off_m: float) -> None:
    """The map is an involution, and left shapes are right shapes seen in it, up to `off_m`."""
    mirror = template.mirror
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    flip = np.array([-1, 1, 1], np.float32)
    gap = np.linalg.norm(template.vertices[mirror] * flip - template.vertices, axis=1)
    paired = gap < 0.002
    assert paired.mean() > 0.98
    for k, name in enumerate(template.shape_names):
        other = template.shape_deltas[template.shape_names.index(mirror_name(name))]
        off = np.linalg.norm(other[mirror] * flip - template.shape_deltas[k], axis=1)
        assert off[paired].max() < off_m, name


def check_joints(template) -> None:
    assert tuple(joint.name for joint in template.joints) == JOINT_NAMES
    assert template.joint_weights.min() >= 0
    np.testing.assert_allclose(template.joint_weights.sum(1), 1, atol=1e-5)
    low, high = template.vertices.min(0), template.vertices.max(0)
    eyes = template.vertices[template.regions["eyes"]]
    for joint in template.joints:
        assert (np.array(joint.position)[[0, 2]] > low[[0, 2]]).all(), joint
        assert (np.array(joint.position) < high).all(), joint
    for joint, side in zip(template.joints[3:], (1, -1), strict=True):
        ball = eyes[eyes[:, 0] * side > 0]
        front = ball[ball[:, 2] < np.quantile(ball[:, 2], 0.7)]
        radius = np.linalg.norm(front - joint.position, axis=1)
        assert 0.010 < radius.mean() < 0.020 and radius.std() < 0.001
    assert (template.joint_weights[template.regions["teeth"], 2] == 1).all()


def check_gaze(template) -> None:
    """eyeLook shapes turn the iris where they say, on their own eye only."""
    iris = template.regions["iris"]
    for side, sign in (("Left", 1), ("Right", -1)):
        own = iris & (template.vertices[:, 0] * sign > 0)
        for direction, axis, way in (("Out", 0, sign), ("In", 0, -sign), ("Up", 1, 1),
                                     ("Down", 1, -1)):  # fmt: skip
            delta = template.shape_deltas[template.shape_names.index(f"eyeLook{direction}{side}")]
            assert (delta[own, axis] * way).mean() > 0.002, (direction, side)
            assert np.abs(delta[iris & ~own]).max() < 1e-4


def check_landmarks(template) -> None:
    """Every point is there, left and right ones where they belong."""
    points = template.landmarks.positions(template.vertices, template.triangles)
    assert np.isfinite(points).all()
    np.testing.assert_allclose(template.landmarks.barycentric.sum(1), 1, atol=1e-5)
    right_eye, left_eye, nose, upper_lip, lower_lip, chin = points[[33, 263, 1, 13, 14, 152]]
    assert left_eye[0] > 0.02 and right_eye[0] < -0.02
    assert abs(nose[0]) < 0.003 and nose[2] > left_eye[2] + 0.01
    assert right_eye[1] > nose[1] > upper_lip[1] >= lower_lip[1] > chin[1]
    for centre, joint in ((468, 4), (473, 3)):
        assert np.linalg.norm((points[centre] - template.joints[joint].position)[:2]) < 0.004


def check_skull(template) -> None:
    """No shape carries the head away: the crown stays within a millimetre."""
    top = template.regions["skin"] & (
        template.vertices[:, 1] > np.quantile(template.vertices[:, 1], 0.99)
    )
    assert np.abs(template.shape_deltas[:, top]).max() < 1e-3
