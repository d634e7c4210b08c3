"""One moment of one person before one rig: images, and all that is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.deform import pose_from_head, skin, vertex_normals
from mien.errors import InputError
from mien.rotation import quaternion_from_angles
from mien_training.cameras import Camera, project
from mien_training.head import Template, rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.scene.scene_mesh import PlacedMesh
from mien_training.synthetic.background import draw_background
from mien_training.synthetic.capture.calibration_errors import believed_cameras
from mien_training.synthetic.capture.faces import Face, draw_face
from mien_training.synthetic.capture.labels import SKIN, label_view
from mien_training.synthetic.capture.line_of_sight import LinesOfSight
from mien_training.synthetic.capture.occluders import draw_clothes
from mien_training.synthetic.capture.people import CapturePerson, capture_person
from mien_training.synthetic.capture.photometry import draw_responses
from mien_training.synthetic.capture.rigs import draw_rig
from mien_training.synthetic.capture.scans import Scan, simulate_scan
from mien_training.synthetic.capture.spec import CaptureSpec
from mien_training.synthetic.light import Light
from mien_training.synthetic.posing import head_matrices

__all__ = ["CaptureMoment", "draw_moment"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_TRIES = 40
_PLAIN = 0.5
"""Share of rigs in a room of one colour, as studios are."""


@dataclass(frozen=True, eq=False)
class CaptureMoment:
    """C views of one moment. The world is the rig's (`rigs`), metres; a rig's images have one
    size."""

    images: NDArray[np.uint8]
    """(C, H, W, 3) sRGB; all channels alike where cameras are grey."""
    part: NDArray[np.int8]
    """(C, H, W) index into `scene_mesh.PARTS` of what each pixel's centre shows; -1 none."""
    canonical: Float32Array
    """(C, H, W, 3) place on the template's mean head, metres, rig space (`ViewLabels`)."""
    normals: Float32Array
    """(C, H, W, 3) unit, in each camera's axes (`ViewLabels`)."""
    visible: NDArray[np.bool_]
    """(C, V) vertices that face the camera, lie in its image, and are hidden by nothing."""
    cameras: tuple[Camera, ...]
    """C, where they really are."""
    believed: tuple[Camera, ...]
    """C, where the calibration says they are."""
    vertices: Float32Array
    """(V, 3) true mesh in the template's topology, world."""
    world_from_head: Float64Array
    """(4, 4) rigid motion of the skull from rig space."""
    weights: Float32Array
    """(52,) of the expression in 0..1, ARKIT_CHANNELS order."""
    person: int
    """Seed of the person."""
    rig: int
    """Seed of the rig."""
    seed: int
    """Of the moment."""
    scan: Scan | None = None
    """What a scanner made of it; None: not asked for."""

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(C, H, W) pixels whose centre shows the head's own skin: not eyes, mouth, hair, clothes
        or what else hides it."""
        return np.asarray(self.part == SKIN)


def draw_moment(
    spec: CaptureSpec, template: Template, seed: int, face: Face | None = None
) -> CaptureMoment:
    """A function of spec, template, seed and face alone, whatever was drawn before.

    face: what they do; drawn, too, if left out.

    The renderer of a template and the last few people are kept; one thread. Raises InputError for
    a template of one person.
    """
    person = capture_person(template, spec.person_seed(seed), spec.person, spec.wear)
    rig_seed = spec.rig_seed(seed)
    cameras = draw_rig(spec.rig, rig_seed)
    stage = _stage(template, spec.samples)
    face = face or draw_face(spec.face, seed)
    vertices, world_from_head, body = _posed(
        stage, person, face.weights, face.angles, cameras, spec, seed
    )
    worn = (*person.hair, *draw_clothes(spec.wear, template, person.neutral, seed))
    placed = tuple(w.place(person.neutral, vertices, world_from_head, body) for w in worn)
    renderer = stage.renderer
    renderer.set_meshes([w.mesh for w in worn])
    renderer.set_materials(person.materials, spec.person.texture_side)
    split = vertices[stage.source]
    views = [
        label_view(renderer, split, placed, camera, template.vertices[stage.source])
        for camera in cameras
    ]
    scene, faces = _scene(template, vertices, placed, renderer)
    sight = LinesOfSight(scene, faces)
    normals = vertex_normals(vertices, template.triangles)
    images = _images(spec, renderer, split, placed, cameras, rig_seed, seed)
    scan = None
    if spec.scan.points:
        scan = simulate_scan(
            spec.scan, scene, faces, len(template.triangles), cameras, images, seed, sight
        )
    return CaptureMoment(
        images=np.stack(images),
        part=np.stack([v.part for v in views]),
        canonical=np.stack([v.canonical for v in views]),
        normals=np.stack([v.normals for v in views]),
        visible=np.stack([sight.seen(vertices, normals, camera) for camera in cameras]),
        cameras=cameras,
        believed=believed_cameras(cameras, _around_centre(), spec.calibration_px, rig_seed),
        vertices=vertices,
        world_from_head=world_from_head,
        weights=face.weights,
        person=person.seed,
        rig=rig_seed,
        seed=seed,
        scan=scan,
    )


@dataclass(frozen=True, eq=False)
class _Stage:
    """What all people of a template share."""

    renderer: HeadRenderer
    """Of the template's own head: light from the sky takes a second to work out, and is taken to
    be the same for everybody."""
    source: NDArray[np.int32]
    """(V',) template vertex of each vertex of the renderer's rig."""
    first: NDArray[np.int64]
    """(V,) a vertex of the renderer's rig for each of the template's."""
    skin_area: Float64Array
    """(V,) share of the head's skin that is each vertex's; they add up to 1."""


@lru_cache(maxsize=2)
def _stage(template: Template, samples: int) -> _Stage:
    rig, source = rig_from_template(template, "capture")
    first = np.zeros(len(template.vertices), np.int64)
    first[source] = np.arange(len(source))
    skin_triangles = template.triangles[template.triangle_material == SKIN]
    a, b, c = template.vertices[skin_triangles].astype(np.float64).transpose(1, 0, 2)
    twice = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    area = np.bincount(skin_triangles.ravel(), np.repeat(twice, 3), len(template.vertices))
    return _Stage(HeadRenderer(rig, samples), source, first, area / area.sum())


def _posed(
    stage: _Stage,
    person: CapturePerson,
    weights: Float32Array,
    angles: Float64Array,
    cameras: tuple[Camera, ...],
    spec: CaptureSpec,
    seed: int,
) -> tuple[Float32Array, Float64Array, Float64Array]:
    """(V, 3) in the world, world_from_head and world_from_body (4, 4).

    Neck and head share the turn; the body stays, and all of it stands where `least_seen` of the
    head's skin lies in every image.
    """
    template, rig = person.template, stage.renderer.rig
    active = [
        (name, weights[ARKIT_CHANNELS.index(name)])
        for name in template.shape_names
        if weights[ARKIT_CHANNELS.index(name)] > 0
    ]
    rest = person.neutral
    if active:
        deltas = person.deltas([name for name, _ in active])
        amounts = np.array([amount for _, amount in active], np.float32)
        rest = rest + np.tensordot(amounts, deltas, 1)
    bent = skin(rig, rest[stage.source], pose_from_head(rig, quaternion_from_angles(angles)))
    posed = bent[stage.first].astype(np.float64)
    turned = head_matrices(rig, angles[None])[0]
    middle = 0.5 * (template.vertices.min(0) + template.vertices.max(0)).astype(np.float64)
    rng = np.random.default_rng((seed, 95))
    for attempt in range(_TRIES):
        # Towards the end nearer and nearer to the centre, where every camera sees heads whole.
        reach = spec.reach_m * min(1.0, 2 * (1 - attempt / (_TRIES - 1)))
        offset = rng.uniform(-reach, reach, 3) - middle
        at = posed + offset
        if all(_sees(camera, at, stage.skin_area, spec.least_seen) for camera in cameras):
            break
    else:
        raise InputError(
            f"draw_moment: seed {seed}: no place where {spec.least_seen} of the head lies in every "
            "image; lower CaptureSpec.least_seen or RigSpec.fill"
        )
    body = np.eye(4)
    body[:3, 3] = offset
    return (posed + offset).astype(np.float32), body @ turned, body


def _sees(camera: Camera, points: Float64Array, area: Float64Array, least: float) -> bool:
    """Whether at least this share of the area of (V, 3) points, (V,), lies in a camera's image."""

    def share(every: int) -> float:
        pixels, depth = project(camera, points[::every])
        column, row = pixels.T
        inside = (depth > 0) & (column >= 0) & (column <= camera.width)
        inside &= (row >= 0) & (row <= camera.height)
        return float(area[::every][inside].sum() / area[::every].sum())

    # Most places are refused, and a few points tell.
    return share(16) >= least - 0.1 and share(1) >= least


def _images(
    spec: CaptureSpec,
    renderer: HeadRenderer,
    vertices: Float32Array,
    placed: tuple[PlacedMesh, ...],
    cameras: tuple[Camera, ...],
    rig_seed: int,
    seed: int,
) -> list[NDArray[np.uint8]]:
    """One light for all cameras; a response for each of the rig's."""
    rng = np.random.default_rng((seed, 96))
    light = Light.draw(rng, spec.light)
    room = rng.integers(8, 240, 3)
    room = room.mean() + rng.uniform(0, 0.5) * (room - room.mean())
    plain = room if rng.random() < _PLAIN else None
    responses = draw_responses(spec.response, len(cameras), rig_seed)
    found = []
    for c, (camera, response) in enumerate(zip(cameras, responses, strict=True)):
        own = np.random.default_rng((seed, 97, c))
        if plain is None:
            side = max(camera.width, camera.height)
            back = draw_background(own, side, spec.light)[: camera.height, : camera.width]
        else:
            shade = plain * np.exp(own.normal(0, 0.15))
            back = shade.clip(0, 255).astype(np.uint8)
        image = renderer.render(vertices, camera, light.lighting, back, light.exposure, placed)
        found.append(response.apply(image, own))
    return found


def _scene(
    template: Template,
    vertices: Float32Array,
    placed: tuple[PlacedMesh, ...],
    renderer: HeadRenderer,
) -> tuple[Float32Array, NDArray[np.int32]]:
    """Vertices and triangles of head and occluders as one mesh, the head's first."""
    points, faces, start = [vertices], [template.triangles], len(vertices)
    for mesh, at in zip(renderer.meshes, placed, strict=True):
        points.append(at.vertices)
        faces.append(mesh.triangles + np.int32(start))
        start += len(at.vertices)
    return np.concatenate(points), np.concatenate(faces)


def _around_centre() -> Float64Array:
    """(27, 3) places around a rig's centre, as far as a head reaches, metres."""
    steps = np.array([-0.12, 0.0, 0.12])
    return np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
