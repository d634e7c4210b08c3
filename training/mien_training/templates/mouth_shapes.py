"""Shapes of the default head's mouth that its source has wrong: tongueOut and mouthClose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.sparse.linalg import splu
from scipy.spatial.transform import Rotation

from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian
from mien_training.templates.assemble import rigid_motion

__all__ = ["TONGUE_OUT_JAW", "Gap", "part_of_swing", "smooth_between", "tongue_out"]

Float64Array = NDArray[np.float64]

TONGUE_OUT_JAW = 0.25
"""Share of jawOpen in tongueOut. Rigs like ARKit's leave the jaw to jawOpen; but between closed
teeth there is no way out, and the source's tongue goes through teeth and lower lip. So tongueOut
parts the jaw as far as a flat tongue needs and no farther: alone it looks right, and the jawOpen
that goes with it in recordings adds to it."""

# The tongue's middle line when it is out, from root to tip: metres upwards and forwards of the
# middle of the gap between the lips; then its half thickness and half width there. Flat between
# the teeth, resting on the lower lip, its tip hanging before the lip.
_OUT = np.array(
    [
        # up, forward, half thickness, half width
        (0.0010, -0.0700, 0.0075, 0.0165),
        (0.0040, -0.0450, 0.0062, 0.0145),
        (0.0028, -0.0270, 0.0040, 0.0120),
        (0.0000, -0.0145, 0.0024, 0.0120),
        (-0.0001, -0.0040, 0.0024, 0.0115),
        (-0.0016, 0.0034, 0.0026, 0.0125),
        (-0.0076, 0.0070, 0.0029, 0.0148),
        (-0.0155, 0.0076, 0.0030, 0.0170),
    ]
)

_POINTED = 0.12
"""How far the sides of the tip fall back, in lengths of the tongue."""
_LEAST = 0.003
"""Half thickness that no cross-section of the resting tongue is below, metres: at its root few
vertices are left to tell."""


@dataclass(frozen=True)
class Gap:
    """Where a tongue leaves the mouth: the middle between the lips that are parted for it."""

    height: float
    """y, metres."""
    front: float
    """z, metres: halfway through the lips."""


def part_of_swing(points: Float64Array, deltas: Float64Array, share: float) -> Float64Array:
    """(N, 3) deltas of a rigid motion that goes `share` of the way that (N, 3) deltas go."""
    rotation, shift = rigid_motion(points, deltas)
    turn = Rotation.from_matrix(rotation).as_rotvec()
    if np.linalg.norm(turn) < 1e-6:
        return share * deltas
    part = Rotation.from_rotvec(share * turn).as_matrix()
    # About the fixed point of the whole motion, as far as the axis lets one be found.
    centre = np.linalg.lstsq(np.eye(3) - rotation, shift, rcond=1e-6)[0]
    slide = shift - (np.eye(3) - rotation) @ centre
    return (points - centre) @ part.T + centre + share * slide - points


def tongue_out(tongue: Float64Array, gap: Gap) -> Float64Array:
    """(N, 3) places of a tongue's vertices (N, 3) when it is out, metres, rig space.

    Every cross-section of the resting tongue, which lies along z, is moved to its place along the
    line above, turned into its direction, and made as thick and wide as it is there; the tip
    keeps its roundness. The sections are spread along the line in proportion to its length.
    """
    z = tongue[:, 2]
    back, tip = float(z.min()), float(z.max())
    knots = np.linspace(back, tip - 0.009, 9)
    reach = 0.5 * (knots[1] - knots[0])
    middle, thick, wide = (np.empty(len(knots)) for _ in range(3))
    for i, at in enumerate(knots):
        near = tongue[np.abs(z - at) < 1.2 * reach]
        core = near[np.abs(near[:, 0]) < 0.006]
        core = core if len(core) > 1 else near
        middle[i] = 0.5 * (core[:, 1].max() + core[:, 1].min())
        thick[i] = max(0.5 * float(np.ptp(core[:, 1])), _LEAST)
        wide[i] = np.abs(near[:, 0]).max()
    tip_middle = float(tongue[z > tip - 0.001, 1].mean())
    middle_of = PchipInterpolator([*knots, tip], [*middle, tip_middle])
    thick_of, wide_of = (PchipInterpolator(knots, values) for values in (thick, wide))
    # Beyond the last knot sections shrink towards the tip by themselves.
    within = np.minimum(z, knots[-1])

    line = _OUT[:, :2] + (gap.height, gap.front)
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)])
    share = (z - back) / (tip - back)
    # The resting tip is blunt: its sides fall back as the tongue points.
    side = tongue[:, 0] / wide_of(within).clip(1e-4)
    share = share - _POINTED * side**2 * np.clip((share - 0.6) / 0.4, 0, 1)
    at = share * along[-1]
    path = [PchipInterpolator(along, column) for column in line.T]
    slope = np.stack([curve.derivative()(at) for curve in path], 1)
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    half_thick, half_wide = (PchipInterpolator(along, column)(at) for column in _OUT[:, 2:].T)
    up = (tongue[:, 1] - middle_of(z)) * half_thick / thick_of(within)
    out = np.empty_like(tongue)
    out[:, 0] = side * half_wide
    out[:, 1] = path[0](at) + up * slope[:, 1]
    out[:, 2] = path[1](at) - up * slope[:, 0]
    return out


def smooth_between(
    triangles: NDArray[np.int64], motion: Float64Array, free: NDArray[np.bool_]
) -> Float64Array:
    """(V, 3) motion whose `free` vertices (V,) bend as little as may be between all others.

    Minimises the squared graph Laplacian of the motion over the mesh (V vertices, triangles
    (F, 3)), a thin plate held where it is not free.
    """
    laplacian = uniform_laplacian(mesh_edges(triangles), len(motion))
    plate = (laplacian.T @ laplacian).tocsr()
    held = ~free
    solved = splu(plate[free][:, free].tocsc()).solve(-plate[free][:, held] @ motion[held])
    out = motion.copy()
    out[free] = solved
    return out
