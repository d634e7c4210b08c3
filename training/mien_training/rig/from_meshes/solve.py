"""Neutral, shapes, weights and poses from captured meshes, together.

    mesh of moment t = R_t (neutral + sum_k w_tk shape_k) + p_t + error

(Li, Weise and Pauly 2010, "Example-Based Facial Rigging": alternate between weights by known shapes
and shapes by known weights.) Beyond the paper each moment's rigid pose is an unknown of the same
step as its weights: heads are never quite aligned, and what is left of their motion becomes shape.
Errors of a capture are alike in neighbouring vertices, so evidence is counted by area of skin, not
by vertices; a mesh that is further off than it says counts less (Student's t; Lange, Little and
Taylor 1989, "Robust Statistical Modeling Using the t Distribution").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.footage.captured import CapturedMeshes
from mien_training.head import Template
from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.mesh_motion import (
    MeshMotion,
    WeightBelief,
    fit_motion,
    starting_poses,
)
from mien_training.rig.from_meshes.shape_equations import (
    solve_detail,
    solve_fields,
    solve_neutral,
)
from mien_training.rig.from_meshes.shape_fields import ShapeFields, spread_evenly, still_motion
from mien_training.rig.from_meshes.shape_size import shape_sizes
from mien_training.runs.progress import Progress, Report, silent
from mien_training.runs.stages import Stages

__all__ = ["MeshFit", "fit_meshes"]

Float64Array = NDArray[np.float64]

_DEGREES = 5.0
"""Of freedom of Student's t."""
_REST = 0.05
"""Share of unknown moments in which every shape is taken to be at rest."""
_LEAST_CONFIDENCE = 1e-3
"""A vertex that is not believed at all still says more than the template's."""


@dataclass(frozen=True, eq=False)
class MeshFit:
    """A rig, and T moments as it shows them."""

    neutral: NDArray[np.float32]
    """(V, 3) metres, rig space."""
    deltas: NDArray[np.float32]
    """(K, V, 3) metres, of the size that `shape_sizes` says."""
    motion: MeshMotion
    error_m: NDArray[np.float32]
    """(T, V) distance of each mesh's vertices from the rig's."""


def fit_meshes(
    template: Template, meshes: CapturedMeshes, belief: WeightBelief,
    config: MeshFitConfig | None = None, stages: Stages | None = None, report: Report = silent,
) -> MeshFit:  # fmt: skip
    """Of all moments that are given: leave failed ones out before.

    belief: of the weights of the same moments. Raises InputError for meshes of another topology,
    none at all, or a belief about other moments or shapes.
    """
    config, stages = config or MeshFitConfig(), stages or Stages()
    _check(template, meshes, belief)
    skin = template.regions["skin"] & ~template.regions["neck"]
    rows = np.flatnonzero(skin)
    vertex = rows[spread_evenly(template.vertices[rows].astype(np.float64), config.points)]
    world, worth = _believed(meshes, config)
    area = float(_vertex_areas(template)[skin].sum())
    each = min(1.0, area / (len(vertex) * config.patch_m**2))
    fields = ShapeFields(template, skin, config)
    solve = _Rounds(
        template, fields, vertex, world[:, vertex], worth[:, vertex], each, belief, config
    )
    coefficients, motion = solve.run(meshes, stages, report)
    return _at_all_vertices(template, fields, coefficients, motion, world, worth, skin, config)


class _Rounds:
    """The alternation, over a few points."""

    def __init__(
        self, template: Template, fields: ShapeFields, vertex: NDArray[np.intp],
        world: Float64Array, worth: Float64Array, each: float, belief: WeightBelief,
        config: MeshFitConfig,
    ) -> None:  # fmt: skip
        """worth (T, P) of each point by itself; `each`: how much of an independent one it is."""
        self.fields, self.vertex, self.world = fields, vertex, world
        self.worth, self.each = each * worth, each
        self.belief, self.config = belief, config
        self.vertices = template.vertices[vertex].astype(np.float64)
        self.deltas = template.shape_deltas[:, vertex].astype(np.float64)
        self.moving = still_motion(template)[vertex]

    def run(
        self, meshes: CapturedMeshes, stages: Stages, report: Report
    ) -> tuple[Float64Array, MeshMotion]:
        """Coefficients (K, M, 3), and the motion; goes on from the stages' last round."""
        kept = stages.kept("rounds")
        done, coefficients, motion = _state(kept) if kept else (0, *self._start(meshes))
        total = self.config.rounds
        for number in range(done, total):
            coefficients, motion, rms = self._round(coefficients, motion)
            stages.keep("rounds", {
                "done": number + 1, "coefficients": coefficients, "weights": motion.weights,
                "rotation": motion.rotation, "translation": motion.translation,
            })  # fmt: skip
            report(Progress("shapes", number + 1, total, {"mm": 1000 * rms}))
        return coefficients, motion

    def _start(self, meshes: CapturedMeshes) -> tuple[Float64Array, MeshMotion]:
        pose = meshes.world_from_head[:, :3, :3], meshes.world_from_head[:, :3, 3]
        if self.config.solve_pose:
            pose = starting_poses(self.vertices, self.moving, self.world, self.worth)
        motion = MeshMotion(self.belief.mean.clip(0, 1), *pose)
        unknown = np.asarray((self.belief.spread > self.config.asked_spread).all(1))
        if unknown.any():
            motion = self._unknown_weights(motion, unknown)
        return np.zeros(self.fields.shape), motion

    def _unknown_weights(self, motion: MeshMotion, unknown: NDArray[np.bool_]) -> MeshMotion:
        """Weights of the moments (T,) that nothing is known of, by the template's shapes.

        About the known moments' neutral, or the mean face of all, of which no weight of 0 or more
        leads back to the neutral: so they may be negative, and what is there in most moments is
        taken to be the rest.
        """
        known = self.worth if unknown.all() else self.worth * ~unknown[:, None]
        neutral, _ = self._neutral(self.deltas, motion, known)
        free = fit_motion(
            neutral, self.deltas, self.world, self.worth, motion, self.belief,
            self.config.solve_pose, -1.0,
        )  # fmt: skip
        rest = np.quantile(free.weights[unknown], _REST, axis=0).clip(max=0)
        found = np.where(unknown[:, None], free.weights - rest, motion.weights).clip(0, 1)
        return MeshMotion(found, free.rotation, free.translation)

    def _round(
        self, coefficients: Float64Array, motion: MeshMotion
    ) -> tuple[Float64Array, MeshMotion, float]:
        deltas = self.deltas + self.fields.changes(coefficients, self.vertex)
        neutral, error = self._neutral(deltas, motion, self.worth)
        worth = self.worth * _robust(error, self.worth / self.each)
        neutral, _ = self._neutral(deltas, motion, worth)
        motion = fit_motion(neutral, deltas, self.world, worth, motion, self.belief,
                            self.config.solve_pose)  # fmt: skip
        unexplained = motion.in_rig(self.world) - self.vertices
        unexplained -= np.tensordot(motion.weights, self.deltas, 1)
        coefficients = solve_fields(
            self.fields, self.vertex, motion.weights, unexplained, worth, coefficients
        )
        return coefficients, motion, float(np.sqrt(np.square(error).sum(2).mean()))

    def _neutral(
        self, deltas: Float64Array, motion: MeshMotion, worth: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """(P, 3) neutral, and (T, P, 3) error of all that is there now."""
        rest = motion.in_rig(self.world) - self.vertices - np.tensordot(motion.weights, deltas, 1)
        change = solve_neutral(rest, worth)
        return self.vertices + change, rest - change


def _at_all_vertices(
    template: Template, fields: ShapeFields, coefficients: Float64Array, motion: MeshMotion,
    world: Float64Array, worth: Float64Array, skin: NDArray[np.bool_], config: MeshFitConfig,
) -> MeshFit:  # fmt: skip
    """The rounds' rig at every vertex, what vertices do by themselves, and the usual sizes."""
    smooth = template.shape_deltas + fields.changes(coefficients)
    rest = motion.in_rig(world) - template.vertices - np.tensordot(motion.weights, smooth, 1)
    change = solve_neutral(rest, worth)
    rest -= change
    some = np.flatnonzero(skin & (fields.falloff > 0).any(0))
    counted = worth[:, some] * _robust(rest[:, some], worth[:, some])
    counted *= _patch_share(template, config)[some]
    alone = config.detail_share * fields.falloff[:, some]
    more, detail = solve_detail(motion.weights, rest[:, some], counted, alone)
    rest[:, some] -= more + np.tensordot(motion.weights, detail, 1)
    neutral, deltas = template.vertices + change, smooth
    neutral[some] += more
    deltas[:, some] += detail
    size = shape_sizes(motion.weights, deltas[:, skin], template.shape_deltas[:, skin])
    return MeshFit(
        neutral.astype(np.float32),
        (deltas / size[:, None, None]).astype(np.float32),
        MeshMotion(motion.weights * size, motion.rotation, motion.translation),
        np.linalg.norm(rest, axis=2).astype(np.float32),
    )


def _believed(meshes: CapturedMeshes, config: MeshFitConfig) -> tuple[Float64Array, Float64Array]:
    """(T, V, 3) vertices in the world, and (T, V) what each is worth by itself, 1/m^2."""
    spread = np.maximum(meshes.spread_m.astype(np.float64), config.least_spread_m)
    trust = np.maximum(meshes.confidence.astype(np.float64).clip(0, 1), _LEAST_CONFIDENCE)
    # The spread is a distance in space: a third of its square along each axis.
    return meshes.vertices.astype(np.float64), 3 * trust / spread**2


def _patch_share(template: Template, config: MeshFitConfig) -> Float64Array:
    """(V,) how much of an independent point each vertex is."""
    return np.asarray(np.minimum(1.0, _vertex_areas(template) / config.patch_m**2))


def _robust(error: Float64Array, worth: Float64Array) -> Float64Array:
    """(T, P) 0..1 of errors (T, P, 3) that are expected to be 3 / worth, squared."""
    square = np.square(error).sum(2) * worth
    return np.asarray(np.minimum(1.0, (_DEGREES + 3) / (_DEGREES + square)))


def _vertex_areas(template: Template) -> Float64Array:
    """(V,) a third of the triangles around each vertex, m^2."""
    a, b, c = (template.vertices[template.triangles[:, i]].astype(np.float64) for i in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    corners = template.triangles.ravel()
    total = np.bincount(corners, np.repeat(area / 3, 3), minlength=len(template.vertices))
    return np.asarray(total, np.float64)


def _state(kept: dict[str, Any]) -> tuple[int, Float64Array, MeshMotion]:
    arrays = {
        name: value.numpy() for name, value in kept.items() if isinstance(value, torch.Tensor)
    }
    motion = MeshMotion(arrays["weights"], arrays["rotation"], arrays["translation"])
    return int(kept["done"]), arrays["coefficients"], motion


def _check(template: Template, meshes: CapturedMeshes, belief: WeightBelief) -> None:
    vertices, count = meshes.vertices.shape[1], len(template.vertices)
    if vertices != count:
        raise InputError(
            f"fit_meshes: meshes of {vertices} vertices, template {template.name!r} has {count}"
        )
    if not len(meshes):
        raise InputError("fit_meshes: no moments, expected at least one that did not fail")
    expected = (len(meshes), len(template.shape_names))
    if belief.mean.shape != expected or belief.spread.shape != expected:
        raise InputError(
            f"fit_meshes: weights believed of {belief.mean.shape}, expected {expected}: moments, "
            "shapes"
        )
