"""ICT-FaceKit (MIT) from the folder of OBJ files of its public repository (FaceXModel)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mien.channels import ARKIT_CHANNELS, canonical_name
from mien.errors import ChannelError, InputError
from mien_training.head.template import IdentityBasis, Template
from mien_training.templates.assemble import (
    Part,
    absent_landmarks,
    concatenate_parts,
    mirror_map,
)
from mien_training.templates.placing import place_by_eyes, turn_eyeball, without_rigid_motion

__all__ = ["NEUTRAL_FILE", "build_ict"]

NEUTRAL_FILE = "generic_neutral_mesh.obj"
LICENCE = "ICT-FaceKit (USC Institute for Creative Technologies): MIT"
METRES_PER_UNIT = 0.01
VERTEX_COUNT = 26719

# First vertex of each sub-mesh, by the model's documentation.
_MOUTH_SOCKET, _EYE_SOCKETS, _GUMS, _TEETH, _EYES = 11248, 13294, 14062, 17039, 21451
_LEFT_BALL, _RIGHT_BALL = (21451, 22221), (23021, 23791)
"""The outer layer of each eyeball; the inner one lies hidden behind it and is left out, as are
the lacrimal fluid, occlusion and lash sheets, which need transparency."""


def build_ict(folder: Path) -> Template:
    """The ICT head, without landmark correspondences.

    Shapes are the ARKit ones of the folder, split ones joined (browInnerUp, cheekPuff); tongueOut
    is absent, for the model has none. Raises InputError for a folder that is no ICT-FaceKit.
    """
    path = folder / NEUTRAL_FILE
    if not path.is_file():
        raise InputError(f"{folder}: no {NEUTRAL_FILE}; expected ICT-FaceKit's folder of OBJ files")
    source, uvs, polygons, uv_polygons = _read_mesh(path)
    if len(source) != VERTEX_COUNT:
        raise InputError(f"{path}: {len(source)} vertices, expected {VERTEX_COUNT}")
    first = polygons.max(1)
    label = _labels(polygons, uv_polygons, source)
    kept = (first < _EYES) | _within(first, _LEFT_BALL) | _within(first, _RIGHT_BALL)
    used = np.unique(polygons[kept][polygons[kept] >= 0])
    place = np.full(VERTEX_COUNT, -1)
    place[used] = np.arange(len(used))

    names, deltas = _expressions(folder, source)
    balls = []
    for limits, side in ((_LEFT_BALL, "Left"), (_RIGHT_BALL, "Right")):
        ball = np.arange(*limits)
        balls.append(place[ball])
        turn_eyeball(source, ball, side, names, deltas)
    skull = (source[:, 1] > 0.08) & (np.arange(VERTEX_COUNT) < _MOUTH_SOCKET)
    skull &= source[:, 2] < 0.0
    deltas = without_rigid_motion(source, deltas, skull)

    bound = (used >= _MOUTH_SOCKET) & (used < _EYES)
    placing = place_by_eyes(source[used], (balls[0], balls[1]), bound)
    part = Part(
        source[used] - placing.origin,
        np.where(polygons[kept] < 0, -1, place[polygons[kept]]),
        uvs * [1, -1] + [0, 1],
        uv_polygons[kept],
        label[kept],
        deltas[:, used],
    )
    whole = concatenate_parts([part])
    modes = _identities(folder, source)[:, used]
    return whole.template(
        name="ict",
        licence=LICENCE,
        mirror=mirror_map(whole.vertices, whole.triangles),
        landmarks=absent_landmarks(),
        joints=placing.joints,
        joint_weights=placing.joint_weights,
        jaw_pivot=placing.jaw_pivot,
        shape_names=names,
        identity=IdentityBasis(modes.astype(np.float32)) if len(modes) else None,
    )


def _within(index: NDArray[np.int64], limits: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray((index >= limits[0]) & (index < limits[1]))


def _read_positions(path: Path) -> NDArray[np.float64]:
    """(V, 3) metres, from the `v` lines of an OBJ file."""
    lines = [line[2:] for line in path.read_text().splitlines() if line.startswith("v ")]
    try:
        return np.array(" ".join(lines).split(), np.float64).reshape(-1, 3) * METRES_PER_UNIT
    except ValueError as reason:
        raise InputError(f"{path}: not an OBJ file ({reason})") from None


def _read_mesh(
    path: Path,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Positions (metres), UVs (v upwards), polygons and UV polygons ((P, 4), -1 pads)."""
    uvs, corners = [], []
    try:
        for line in path.read_text().splitlines():
            if line.startswith("vt "):
                uvs.append([float(t) for t in line.split()[1:3]])
            elif line.startswith("f "):
                face = [tuple(int(i) - 1 for i in c.split("/")[:2]) for c in line.split()[1:]]
                corners.append(face + [(-1, -1)] * (4 - len(face)))
        table = np.array(corners, np.int64).reshape(-1, 4, 2)
        return _read_positions(path), np.array(uvs), table[..., 0], table[..., 1]
    except ValueError as reason:
        raise InputError(f"{path}: not an OBJ file of quads with UVs ({reason})") from None


def _labels(
    polygons: NDArray[np.int64], uv_polygons: NDArray[np.int64], vertices: NDArray[np.float64]
) -> NDArray[np.str_]:
    """(P,) MATERIALS name or "gum"; gums and tongue share one mesh and are told by UV islands."""
    first = polygons.max(1)
    label = np.full(len(polygons), "skin", dtype="<U8")
    label[(first >= _MOUTH_SOCKET) & (first < _EYE_SOCKETS)] = "mouth"
    label[(first >= _GUMS) & (first < _TEETH)] = "gum"
    label[(first >= _TEETH) & (first < _EYES)] = "teeth"
    label[first >= _EYES] = "eye"
    gums = np.flatnonzero(label == "gum")
    island = _islands(uv_polygons[gums])
    # The tongue lies between the arches: it alone is thick at the mid-line, behind the incisors.
    span = np.ptp(vertices[_TEETH:_EYES, 0])
    tongue, best = -1, 0
    for candidate in np.unique(island):
        points = vertices[np.unique(polygons[gums[island == candidate]].clip(0))]
        central = int((np.abs(points[:, 0]) < 0.15 * span).sum())
        if central > best:
            tongue, best = int(candidate), central
    label[gums[island == tongue]] = "tongue"
    return label


def _islands(polygons: NDArray[np.int64]) -> NDArray[np.int64]:
    """(P,) number of the connected island of each polygon."""
    start, end = polygons[:, [0, 1, 2]].ravel(), polygons[:, [1, 2, 0]].ravel()
    fourth = np.where(polygons[:, 3] < 0, polygons[:, 0], polygons[:, 3])
    start, end = np.append(start, polygons[:, 0]), np.append(end, fourth)
    n = int(polygons.max()) + 1
    graph = coo_matrix((np.ones(len(start)), (start, end)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1][polygons[:, 0]], np.int64)


def _expressions(
    folder: Path, neutral: NDArray[np.float64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Names in canonical order and (K, V, 3) deltas; the halves of split shapes are added."""
    sums: dict[str, NDArray[np.float64]] = {}
    for path in sorted(folder.glob("*.obj")):
        try:
            name = canonical_name(path.stem)
        except ChannelError:
            continue  # identities, the neutral, and shapes outside ARKit's 52 (PupilDilate)
        positions = _read_positions(path)
        if positions.shape != neutral.shape:
            raise InputError(f"{path}: {len(positions)} vertices, expected {len(neutral)}")
        sums[name] = sums.get(name, 0.0) + (positions - neutral)
    missing = [n for n in ARKIT_CHANNELS if n not in sums and n != "tongueOut"]
    if missing:
        raise InputError(f"{folder}: no OBJ file of {', '.join(missing)}")
    names = tuple(n for n in ARKIT_CHANNELS if n in sums)
    return names, np.stack([sums[n] for n in names])


def _identities(folder: Path, neutral: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, V, 3) principal components of real scans, one deviation each."""
    modes = []
    for path in sorted(folder.glob("identity*.obj")):
        positions = _read_positions(path)
        if positions.shape != neutral.shape:
            raise InputError(f"{path}: {len(positions)} vertices, expected {len(neutral)}")
        modes.append(positions - neutral)
    return np.stack(modes) if modes else np.zeros((0, *neutral.shape))
