"""Where the tracker's points sit: render the template, track it, see which triangle lies there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.errors import MienError
from mien.tracker import Tracker
from mien_training.cameras import Camera, look_at_camera, project
from mien_training.head.landmark_sets import (
    BROW_POINTS,
    INNER_LIP_RIM,
    LANDMARK_COUNT,
    LID_POINTS,
    LIP_POINTS,
    SKIN_LANDMARK_COUNT,
)
from mien_training.head.template import MATERIALS, LandmarkMap, Template
from mien_training.head.to_rig import rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import Look, paint_materials
from mien_training.templates.gltf.placed_landmarks import NEEDED

__all__ = ["WITHOUT_ANIMATOR", "with_landmarks"]

WITHOUT_ANIMATOR = (
    "play tracked scores on the head's own ARKit shapes in your engine, which takes them by name: "
    "mien track SOURCE --out take.csv"
)
"""What moves a head that the tracker does not see: part of messages."""

SIDE = 640
DISTANCE_M = 1.6
"""Far away, through a long lens: the image is nearly orthographic."""

PARTED = 0.5
"""jawOpen of the image in which the rims of the lips are looked for."""
_LIDS_WITHIN = 0.6
"""How far from an eyeball's centre the points of lids lie at most, in distances of the eyes."""
_REACH_M = {"lips": 0.006, "lids": 0.004, "brows": 0.006}
"""How far from its points a region reaches, metres."""


def with_landmarks(template: Template) -> Template:
    """The template with its 478 correspondences, and lips, lids and brows from them.

    Correspondences that the template brings along, placed by hand, are kept. Otherwise they are
    looked for twice: the second image has brows and lips where the first one had them found.
    Raises MienError where the tracker sees no face, or one that is not where the eyes are.
    """
    if (template.landmarks.triangle >= 0).any():
        return _with_regions(template)
    drawn = _DrawnHead.of(template)
    for _ in range(2):
        template = replace(template, landmarks=drawn.track(template, template.vertices))
    _check_eyes(template)
    if "jawOpen" in template.shape_names:
        # Between closed lips a pixel does not tell the upper from the lower one.
        delta = template.shape_deltas[template.shape_names.index("jawOpen")]
        opened = drawn.track(template, template.vertices + np.float32(PARTED) * delta)
        inner = np.isin(np.arange(LANDMARK_COUNT), INNER_LIP_RIM)
        closed = template.landmarks
        template = replace(
            template,
            landmarks=LandmarkMap(
                np.where(inner, opened.triangle, closed.triangle),
                np.where(inner[:, None], opened.barycentric, closed.barycentric),
            ),
        )
    return _with_regions(template)


def _with_regions(template: Template) -> Template:
    """Lips, lids and brows around the points of their outlines."""
    points = template.landmarks.positions(template.vertices, template.triangles)
    skin = template.regions["skin"]
    regions = dict(template.regions)
    for region, indices in (("lips", LIP_POINTS), ("lids", LID_POINTS), ("brows", BROW_POINTS)):
        distance, _ = cKDTree(_filled(points[list(indices)])).query(template.vertices)
        regions[region] = skin & (distance < _REACH_M[region])
    return replace(template, regions=regions)


def _check_eyes(template: Template) -> None:
    """Lids lie around eyeballs; where they do not, something else lies before the face."""
    points = template.landmarks.positions(template.vertices, template.triangles)[list(LID_POINTS)]
    eyes = np.array([j.position for j in template.joints if j.name in ("leftEye", "rightEye")])
    apart = float(np.linalg.norm(eyes[0] - eyes[1]))
    off = float(np.nanmedian(np.linalg.norm(points[:, None] - eyes, axis=2).min(1)))
    if off > _LIDS_WITHIN * apart:
        raise MienError(
            f"template {template.name!r}: the tracker puts its lids {1000 * off:.0f} mm away from "
            "its eyeballs: something hides the face (hair, glasses, a mask?), or it is none; leave "
            "that part out of the file"
        )


def _filled(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The points and the middles between neighbours of the outline; absent ones left out."""
    known = points[np.isfinite(points).all(1)]
    return np.concatenate([known, (known[1:] + known[:-1]) / 2])


@dataclass(frozen=True, eq=False)
class _DrawnHead:
    """A template's mesh in a renderer, made once: it takes far longer than an image."""

    renderer: HeadRenderer
    source: NDArray[np.integer]

    @classmethod
    def of(cls, template: Template) -> _DrawnHead:
        # Here the tongue lies in the mouth: it must be as dark as it is there, not as when it is
        # out.
        inside = [k for k, name in enumerate(template.shape_names) if name != "tongueOut"]
        names = tuple(template.shape_names[k] for k in inside)
        dark = replace(template, shape_names=names, shape_deltas=template.shape_deltas[inside])
        rig, source = rig_from_template(dark, template.name)
        return cls(HeadRenderer(rig), source)

    def track(self, template: Template, vertices: NDArray[np.float32]) -> LandmarkMap:
        """Correspondences from one image of the template, painted, with its vertices at (V, 3)."""
        self.renderer.set_materials(paint_materials(template, template.vertices, Look()))
        face = template.vertices[template.regions["eyes"]]
        target = face.mean(0) - [0, 0.03, 0.02]
        camera = look_at_camera(target + [0, 0, DISTANCE_M], target, 0.17, SIDE, SIDE)
        image = self.renderer.render(vertices[self.source], camera)
        faces = Tracker().track(image)
        if not faces:
            raise MienError(
                f"template {template.name!r}: the tracker sees no face in its image, so nobody "
                "knows where its eyes and mouth are; place landmarks by hand in a description "
                'file (--template HEAD.json: {"head": "head.glb", "landmarks": {"noseTip": '
                f"[x, y, z], ...}}}}, at least {', '.join(NEEDED)}). `mien train rig` then fits it "
                "to footage. `mien train animator` learns from tracked images of the head itself "
                f"and stays out of reach; {WITHOUT_ANIMATOR}"
            )
        return _under_pixels(
            template, vertices, camera, faces[0].landmarks[:, :2].astype(np.float64)
        )


def _in_sockets(template: Template, vertices: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(F,) skin triangles around an eyeball and behind its centre."""
    middle = vertices[template.triangles].mean(1)
    inside = np.zeros(len(middle), bool)
    eyes = vertices[template.regions["eyes"]]
    for joint in template.joints:
        if joint.name not in ("leftEye", "rightEye"):
            continue
        centre = np.asarray(joint.position)
        ball = np.linalg.norm(eyes[np.sign(eyes[:, 0]) == np.sign(centre[0])] - centre, axis=1)
        near = np.linalg.norm(middle - centre, axis=1) < 1.6 * np.median(ball)
        inside |= near & (middle[:, 2] < centre[2])
    return np.asarray(inside & (template.triangle_material == MATERIALS.index("skin")))


def _under_pixels(
    template: Template, vertices: NDArray[np.float32], camera: Camera, pixels: NDArray[np.float64]
) -> LandmarkMap:
    """The front-most triangle under each pixel; beyond the silhouette the nearest front vertex.

    The last ten points are the irises': they are looked for on the eyeballs only, all others on
    the skin only, and not on its part that lies behind an eyeball: a lid's point that the tracker
    puts on the white of the eye belongs to the rim beside it, not to the socket's wall.
    """
    points, depth = project(camera, vertices)
    corners = points[template.triangles]
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    front_facing = np.abs(area) > 1e-9
    # Image y runs down, so a counter-clockwise front face has a negative area.
    front_facing &= area < 0
    front_facing &= ~_in_sockets(template, vertices)
    mean_depth = depth[template.triangles].mean(1)
    triangle = np.full(len(pixels), -1, np.int32)
    barycentric = np.zeros((len(pixels), 3), np.float32)
    for index, at in enumerate(pixels):
        material = MATERIALS.index("eye" if index >= SKIN_LANDMARK_COUNT else "skin")
        usable = front_facing & (template.triangle_material == material)
        d = at - corners[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            v = (d[:, 0] * ac[:, 1] - d[:, 1] * ac[:, 0]) / area
            w = (ab[:, 0] * d[:, 1] - ab[:, 1] * d[:, 0]) / area
        inside = usable & (v >= -1e-6) & (w >= -1e-6) & (v + w <= 1 + 1e-6)
        if inside.any():
            hit = np.flatnonzero(inside)
            best = hit[mean_depth[hit].argmin()]
            triangle[index] = best
            barycentric[index] = (1 - v[best] - w[best], v[best], w[best])
            continue
        candidates = np.flatnonzero(usable)
        middle = corners[candidates].mean(1)
        best = candidates[np.linalg.norm(middle - at, axis=1).argmin()]
        nearest = np.linalg.norm(corners[best] - at, axis=1).argmin()
        triangle[index] = best
        barycentric[index] = np.eye(3, dtype=np.float32)[nearest]
    return LandmarkMap(triangle, barycentric.clip(0, 1))
