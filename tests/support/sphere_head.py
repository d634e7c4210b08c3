"""A small head of spheres: enough of a Template to paint, light and render_scan."""

import numpy as np

from mien.rig import Joint, Rig
from mien_training.head.template import MATERIALS, LandmarkMap, Template


def latlong_sphere(rows, columns, centre=(0.0, 0.0, 0.0), radius=1.0):
    """vertices, triangles, uvs, uv_triangles of a closed sphere, outward counter-clockwise."""
    theta = np.pi * (np.arange(rows - 1) + 1) / rows
    phi = 2 * np.pi * np.arange(columns) / columns
    ring = np.stack(
        [
            np.sin(theta)[:, None] * np.sin(phi),
            np.cos(theta)[:, None] + 0 * phi,
            np.sin(theta)[:, None] * np.cos(phi),
        ],
        -1,
    )
    vertices = np.concatenate([[[0, 1, 0]], ring.reshape(-1, 3), [[0, -1, 0]]])
    u, v = np.meshgrid(np.arange(columns + 1) / columns, np.arange(rows + 1) / rows)
    uvs = np.stack([u, v], -1).reshape(-1, 2)

    def vertex(r, c):
        return 0 if r == 0 else len(vertices) - 1 if r == rows else 1 + (r - 1) * columns + c

    triangles, uv_triangles = [], []
    for r in range(rows):
        for c in range(columns):
            grid = [(r, c), (r + 1, c), (r + 1, c + 1), (r, c + 1)]
            corners = [vertex(i, j % columns) for i, j in grid]
            flat = [i * (columns + 1) + j for i, j in grid]
            for pick in ((0, 1, 2), (0, 2, 3)):
                if len({corners[k] for k in pick}) == 3:
                    triangles.append([corners[k] for k in pick])
                    uv_triangles.append([flat[k] for k in pick])
    return (
        (np.asarray(centre) + radius * vertices).astype(np.float32),
        np.array(triangles, np.int32),
        uvs.astype(np.float32),
        np.array(uv_triangles, np.int32),
    )


EYES = ((0.031, 0.03, 0.075), (-0.031, 0.03, 0.075))
EYE_RADIUS = 0.022


def sphere_head_template():
    parts = [
        (latlong_sphere(24, 48, (0, 0, 0), 0.09), "skin"),
        (latlong_sphere(16, 24, EYES[0], EYE_RADIUS), "eye"),
        (latlong_sphere(16, 24, EYES[1], EYE_RADIUS), "eye"),
        (latlong_sphere(8, 12, (0.0, -0.03, 0.05), 0.01), "tongue"),
    ]
    vertices, triangles, uvs, uv_triangles, material = [], [], [], [], []
    v0 = t0 = 0
    for (v, f, t, ft), name in parts:
        vertices.append(v)
        triangles.append(f + v0)
        # Both eyes in one texture, side by side.
        uvs.append(t * (0.5, 1) + (0.5 * (v[:, 0].mean() < 0), 0) if name == "eye" else t)
        uv_triangles.append(ft + t0)
        material.append(np.full(len(f), MATERIALS.index(name), np.int32))
        v0, t0 = v0 + len(v), t0 + len(t)
    vertices = np.concatenate(vertices)
    triangles = np.concatenate(triangles)
    count = len(vertices)
    delta = np.zeros((2, count, 3), np.float32)
    delta[0, :, 1] = -0.02 * (vertices[:, 1] < -0.05)
    delta[1, :, 0] = 0.01
    weights = np.zeros((count, 5), np.float32)
    weights[:, 2] = 1
    return Template(
        name="spheres",
        licence="CC0-1.0",
        vertices=vertices,
        polygons=np.pad(triangles, ((0, 0), (0, 1)), constant_values=-1),
        triangles=triangles,
        triangle_polygon=np.arange(len(triangles), dtype=np.int32),
        uvs=np.concatenate(uvs).astype(np.float32),
        uv_triangles=np.concatenate(uv_triangles),
        triangle_material=np.concatenate(material),
        regions={},
        mirror=np.arange(count, dtype=np.int32),
        landmarks=LandmarkMap(np.full(478, -1, np.int32), np.zeros((478, 3), np.float32)),
        joints=(
            Joint("head_root", -1, (0.0, -0.12, 0.0)),
            Joint("neck", 0, (0.0, -0.1, 0.0)),
            Joint("head", 1, (0.0, 0.0, 0.0)),
            Joint("leftEye", 2, EYES[0]),
            Joint("rightEye", 2, EYES[1]),
        ),
        joint_weights=weights,
        jaw_pivot=(0.0, 0.0, 0.0),
        shape_names=("jawOpen", "jawLeft"),
        shape_deltas=delta,
    )


def rig_of(template, materials):
    pairs = np.stack([template.triangles.ravel(), template.uv_triangles.ravel()], 1)
    kept, inverse = np.unique(pairs, axis=0, return_inverse=True)
    vertices = template.vertices[kept[:, 0]]
    centre = np.zeros((len(template.vertices), 3))
    for name, at in (("eye", EYES[0]), ("eye", EYES[1]), ("tongue", (0.0, -0.03, 0.05))):
        ids = np.unique(template.triangles[template.triangle_material == MATERIALS.index(name)])
        near = ids[np.linalg.norm(template.vertices[ids] - at, axis=1) < 0.03]
        centre[near] = at
    normals = vertices - centre[kept[:, 0]]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    indices = np.zeros((len(vertices), 4), np.uint8)
    indices[:, 0] = 2
    weights = np.zeros((len(vertices), 4), np.float32)
    weights[:, 0] = 1
    return Rig(
        name="spheres",
        vertices=vertices,
        normals=normals.astype(np.float32),
        uvs=template.uvs[kept[:, 1]],
        triangles=inverse.reshape(-1, 3).astype(np.int32),
        triangle_material=template.triangle_material,
        materials=materials,
        shape_names=template.shape_names,
        shape_deltas=template.shape_deltas[:, kept[:, 0]],
        joints=template.joints,
        joint_indices=indices,
        joint_weights=weights,
    )
