"""Shoulders below the neck, clothed: a loft from a collar to the chest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import PchipInterpolator

from mien.errors import InputError
from mien.rig import Material
from mien_training.head import Template
from mien_training.rendering.noise import smoothstep
from mien_training.rendering.scene.scene_mesh import SceneMesh
from mien_training.synthetic.capture.occluders.sheets import grid_triangles
from mien_training.synthetic.capture.occluders.worn import Worn

__all__ = ["draw_shoulders"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_COLUMNS, _ROWS = 48, 20
_DOWN = (0.0, 0.08, 0.2, 0.4, 0.6, 0.75, 0.87, 1.0)
"""Along the cloth from the collar to where the chest is cut off; at these shares of it,"""
_REACH = (0.0, 0.01, 0.22, 0.55, 0.86, 0.98, 1.0, 0.97)
"""how far it has come from the neck to the shoulder,"""
_DROP_M = (0.0, 0.008, 0.020, 0.040, 0.066, 0.100, 0.140, 0.240)
"""and how far below the collar it is, metres, where shoulders slope little."""


def draw_shoulders(template: Template, neutral: Float32Array, seed: int) -> Worn:
    """A random torso for a head with (V, 3) neutral vertices, metres; it stays with the body.

    Its collar stands around the neck's open end, a little above it: a round neck or a high one.
    Raises InputError for a head without a neck.
    """
    rng = np.random.default_rng((seed, 86))
    turn: Float64Array = np.linspace(0, 2 * np.pi, _COLUMNS, endpoint=False)
    middle, radius, lowest = _neck(template, neutral, turn)
    collar = rng.uniform(0.004, 0.012) if rng.random() < 0.75 else rng.uniform(0.015, 0.035)
    wide, deep = rng.uniform(0.17, 0.23), rng.uniform(0.09, 0.13)
    slope, lean = rng.uniform(0.8, 1.5), rng.uniform(-0.01, 0.02)
    # A superellipse: broader than deep, flat before and behind.
    sine, cosine = np.sin(turn), np.cos(turn)
    chest = 1 / ((np.abs(sine) / wide) ** 2.3 + (np.abs(cosine) / deep) ** 2.3) ** (1 / 2.3)
    down = np.linspace(0, 1, _ROWS)[:, None]
    down = np.concatenate([down[:1], down])  # the first row is turned in, below
    share = PchipInterpolator(_DOWN, _REACH)(down)
    tight = radius + rng.uniform(0.003, 0.007)
    reach = tight + share * np.maximum(chest - tight, 0.0)
    # Near the neck the cloth falls as its rim runs; farther out all round alike.
    rim = lowest + collar + np.clip(2 * share, 0, 1) * (lowest.min() - lowest)
    y = rim - slope * PchipInterpolator(_DOWN, _DROP_M)(down)
    folds = 0.003 * share * np.sin(7 * turn + rng.uniform(0, 6) + 5 * down)
    points = np.stack(
        [
            middle[0] + (reach + folds) * sine,
            y,
            middle[1] + lean * share + (reach + folds) * cosine,
        ],
        -1,
    )
    # Inside the collar a lid hides that the neck is hollow and ends here.
    points[0] = (middle[0], y[1].mean() - 0.01, middle[1])
    points[0, :, ::2] += 0.4 * (points[1, :, ::2] - points[0, :, ::2])
    uv = np.stack(np.broadcast_arrays(turn / (2 * np.pi), down), -1).reshape(-1, 2)
    occlusion = np.broadcast_to(0.2 + 0.8 * smoothstep(0.0, 0.3, down), y.shape)
    mesh = SceneMesh(
        "clothes",
        grid_triangles(_ROWS + 1, _COLUMNS, True)[:, ::-1].copy(),
        uv.astype(np.float32),
        Material("cloth", _cloth(rng), roughness=0.9),
        occlusion.reshape(-1).astype(np.float32),
    )
    return Worn(mesh, points.reshape(-1, 3).astype(np.float32), "body")


def _neck(
    template: Template, neutral: Float32Array, turn: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """x and z (2,) of the neck's axis; radius and height (C,) of its lower end about it at angles
    `turn` (C,), 0 in front, growing to +X. Metres."""
    neck = neutral[template.regions["neck"]].astype(np.float64)
    if not len(neck):
        raise InputError(
            f"draw_shoulders: template {template.name!r} has no neck; set WearSpec.shoulders to 0"
        )
    middle = 0.5 * (neck.min(0) + neck.max(0))[[0, 2]]
    low = neck[neck[:, 1] < neck[:, 1].min() + 0.06]
    middle[1] = 0.5 * (low[:, 2].min() + np.quantile(low[:, 2], 0.9))
    way = low[:, [0, 2]] - middle
    angle = np.arctan2(way[:, 0], way[:, 1])
    away = np.abs((angle[None] - turn[:, None] + np.pi) % (2 * np.pi) - np.pi)
    height, radius = np.empty(len(turn)), np.empty(len(turn))
    for c, near in enumerate(away):
        sector = np.flatnonzero(near < 0.35) if (near < 0.35).any() else near.argsort()[:4]
        height[c] = low[sector, 1].min()
        bottom = sector[low[sector, 1] < height[c] + 0.02]
        radius[c] = np.linalg.norm(way[bottom], axis=1).max()
    smooth = [ndimage.gaussian_filter1d(values, 2.0, mode="wrap") for values in (radius, height)]
    return middle, smooth[0], smooth[1]


def _cloth(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(64, 64, 3) of one colour, plain, striped or speckled."""
    colour = rng.integers(15, 235, 3).astype(np.float64)
    colour = colour.mean() + rng.uniform(0.1, 0.9) * (colour - colour.mean())
    texture = np.broadcast_to(colour, (64, 64, 3)).copy()
    kind = rng.random()
    if kind < 0.3:
        rows = np.sin(np.arange(64) * 2 * np.pi * int(rng.integers(4, 12)) / 64) > 0
        texture[rows] = rng.integers(15, 235, 3)
    elif kind < 0.5:
        rough = ndimage.gaussian_filter(
            rng.standard_normal((64, 64)), rng.uniform(0.8, 3), mode="wrap"
        )
        texture[rough > 0.7 * rough.std()] = rng.integers(15, 235, 3)
    return np.asarray((texture + rng.normal(0, 5, (64, 64, 1))).clip(0, 255), np.uint8)
