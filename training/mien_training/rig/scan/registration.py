"""A scan becomes a neutral in the template's topology: non-rigid registration.

    fit     = template + identity . modes + smooth(u) + sum_e w_e shape_e      (eyes closed, say)
    neutral = fit - sum_e w_e shape_e, eyeballs and teeth carried along as rigid parts

`smooth` recovers displacements from differential coordinates (Nicolet et al. 2021, "Large Steps in
Inverse Rendering of Geometry"), over the surface and through the head (Ming et al. 2024, "High-
Quality Mesh Blendshape Generation from Face Videos"), from coarse to fine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.adam_uniform import AdamUniform
from mien_training.geometry.alignment import Alignment
from mien_training.geometry.deformation_graph import Smoothing
from mien_training.head import Template
from mien_training.rig.scan.attraction_terms import ContactPull, LandmarkPull, ScanPull, SurfacePull
from mien_training.rig.scan.carried_parts import carry_parts
from mien_training.rig.scan.identity_fit import PersonFit, fit_person
from mien_training.rig.scan.scan_landmarks import ScanLandmarks, find_landmarks
from mien_training.rig.scan.scan_target import ScanPoints, ScanTarget, attraction
from mien_training.rig.scan.smooth_levels import SmoothingLevels
from mien_training.runs.progress import Progress, Report, silent
from mien_training.runs.stages import Stages

__all__ = ["ScanFit", "ScanFitConfig", "register_scan"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class ScanFitConfig:
    """How a scan is registered."""

    expressions: tuple[str, ...] = ("eyeBlinkLeft", "eyeBlinkRight")
    """Shapes of the template that may be at work in the scan; taken out of the neutral."""
    smoothing: Smoothing = "interior"
    """Differential coordinates over the surface and through the head, over the surface, or none."""
    lambdas: tuple[float, ...] = (100.0, 30.0, 8.0, 2.0)
    """How far a change spreads, level by level; ignored without smoothing."""
    steps: int = 120
    """Most optimiser steps in each level; it ends early where nothing is gained any more."""
    step_m: float = 4e-4
    """Longest step of a coordinate over 1 + lambda, metres; falls to a tenth within each level."""
    reach_m: tuple[float, float] = (0.012, 0.003)
    """Gates of the distance to the scan in the first and in the last level, metres."""
    agree: float = 0.6
    """Least scalar product of a vertex's normal and the scan's."""
    landmark_weight: tuple[float, float] = (0.3, 0.003)
    """Of the landmarks in the first and in the last level, against 1 for the surface."""
    scan_weight: float = 0.5
    """Of the scan's points to the head, against 1 for the head's vertices to the scan."""
    contact_weight: float = 3.0
    """Of the difference in motion of lips, and lids, that touch in the scan."""
    identity_prior: float = 1e-4
    """Of the mean squared differential coordinate over 1 + lambda, mm^2, against distances."""
    scalp: float = 0.0
    """0 leaves the scalp to the identity: a scan shows hair there. 1 for a shaved head."""

    def __post_init__(self) -> None:
        if not self.lambdas or min(self.lambdas) < 0 or self.steps < 1:
            raise InputError(
                f"ScanFitConfig: lambdas {self.lambdas}, steps {self.steps}, expected at least one"
            )
        if not (self.step_m > 0 and min(self.reach_m) > 0 and 0 <= self.scalp <= 1):
            raise InputError(
                f"ScanFitConfig: step_m {self.step_m}, reach_m {self.reach_m}, scalp {self.scalp}, "
                "expected lengths above 0 and a share"
            )
        weights = (*self.landmark_weight, self.scan_weight, self.contact_weight)
        if not min(*weights, self.identity_prior) >= 0:
            raise InputError(
                f"ScanFitConfig: landmark_weight {self.landmark_weight}, scan_weight "
                f"{self.scan_weight}, contact_weight {self.contact_weight}, identity_prior "
                f"{self.identity_prior}, expected 0 or more"
            )


@dataclass(frozen=True, eq=False)
class ScanFit:
    """One person, found on the template."""

    neutral: Float32Array
    """(V, 3) eyes open, rig space, metres."""
    fitted: Float32Array
    """(V, 3) as in the scan, rig space, metres."""
    deltas: Float32Array
    """(K, V, 3) the template's shapes, with lids that lie on this person's eyeballs, metres."""
    expressions: dict[str, float]
    """Weights 0..1 of the shapes that the scan shows. fitted = neutral + the sum of the template's
    shapes, but for lids that had to be lifted off the eyeballs."""
    world_from_rig: Alignment
    """Similarity into the scan's own axes and unit."""
    metres_per_unit: float
    """Of the scan."""
    size_is_guessed: bool
    """No unit was stated or recognised: the face has the size of the template's mean."""
    attracted: Float64Array
    """(V,) 0..1 how much the scan had to say."""
    distance_m: Float64Array
    """(V,) of `fitted` to the scan's surface, rig space's metres."""


def register_scan(
    scan: Scan,
    template: Template,
    config: ScanFitConfig | None = None,
    found: ScanLandmarks | None = None,
    report: Report = silent,
    stages: Stages | None = None,
) -> ScanFit:
    """Registers a scanned head to the template.

    found: the scan's landmarks where they are known already. stages: keeps the fitted person and
    every finished level. Raises InputError for a scan without a face, a template without
    landmarks, or an expression that the template lacks.
    """
    config = config or ScanFitConfig()
    missing = sorted(set(config.expressions) - set(template.shape_names))
    if missing:
        raise InputError(f"register_scan: template {template.name!r} has no {', '.join(missing)}")
    expressions = [template.shape_names.index(name) for name in config.expressions]
    found = found or find_landmarks(scan, template)
    stages = stages or Stages()
    target = ScanTarget(found.scan)

    def fit_twice() -> dict[str, Any]:
        attracted = attraction(template, template.vertices, config.scalp)
        person = fit_person(template, found, target, attracted, expressions)
        # Again, as lids that turned out to be closed hide and show other skin.
        vertices = (person.neutral + person.shown).astype(np.float32)
        attracted = attraction(template, vertices, config.scalp)
        person = fit_person(template, found, target, attracted, expressions)
        return {"attracted": attracted, "person": person.state()}

    kept = stages.run("person", fit_twice)
    person, attracted = PersonFit.of_state(kept["person"]), np.asarray(kept["attracted"])
    fit = _NonRigid(template, found, target, person, attracted, config)
    moved = fit.run(report, stages)
    return _result(template, found, target, person, attracted, config, moved)


class _NonRigid:
    """The unknown u of the second part, and what the head is pulled to."""

    def __init__(
        self,
        template: Template,
        found: ScanLandmarks,
        target: ScanTarget,
        person: PersonFit,
        attracted: Float64Array,
        config: ScanFitConfig,
    ) -> None:
        self.config, placed = config, person.rig_from_scan
        # Expressions stay as they are: lids that may move by themselves leave a blink too small.
        start = person.neutral + person.shown
        self.nodes = SmoothingLevels(template, config.smoothing)
        self.base = torch.from_numpy(start.astype(np.float32))
        self.surface = SurfacePull(template, target, placed, attracted)
        self.scan = ScanPull(ScanPoints(template, target, placed, attracted, start))
        self.landmarks = LandmarkPull(template, found, placed)
        self.contact = ContactPull(template, found, placed, person.shown)

    def run(self, report: Report, stages: Stages) -> Float32Array:
        """(V, 3) displacement of everything soft."""
        config = self.config
        lambdas = config.lambdas if config.smoothing != "none" else (0.0,) * len(config.lambdas)
        moved = torch.zeros_like(self.base)
        done = 0
        for level, lambda_ in enumerate(lambdas):
            t = level / max(len(lambdas) - 1, 1)
            reach, landmark_weight = (
                a ** (1 - t) * b**t for a, b in (config.reach_m, config.landmark_weight)
            )
            work = partial(self._level, moved, lambda_, reach, landmark_weight, done, report)
            state = stages.run(f"level {level + 1}", work)
            moved, done, self.nodes.inside = state["moved"], state["done"], state["inside"]
        return np.asarray(moved.numpy())

    def _level(
        self,
        start: Tensor,
        lambda_: float,
        reach: float,
        landmark_weight: float,
        done: int,
        report: Report,
    ) -> dict[str, Any]:
        """`moved`, the displacement after optimising with one lambda, from `start`; that of nodes
        `inside` the head; steps `done` so far."""
        config, scale = self.config, 1.0 + lambda_
        total = len(config.lambdas) * config.steps
        smooth, u = self.nodes.at(lambda_, start)
        u.requires_grad_()
        optimiser = AdamUniform([u], betas=(0.9, 0.99))
        history: list[float] = []
        for step in range(config.steps):
            rate = scale * config.step_m * 10 ** (-step / config.steps)
            optimiser.param_groups[0]["lr"] = rate
            moved = smooth(u[None])[0]
            now = self.base + moved
            if step % _MATCH_EVERY == 0:
                vertices = now.detach().numpy()
                self.surface.match(vertices, reach, config.agree)
                self.scan.match(vertices, reach, config.agree)
            loss = self.surface.loss(now) + config.scan_weight * self.scan.loss(now)
            loss = loss + landmark_weight * self.landmarks.loss(now)
            loss = loss + config.contact_weight * self.contact.loss(now)
            loss = loss + config.identity_prior * (u * (_MM / scale)).square().sum(1).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            history.append(float(loss.detach()))
            done += 1
            report(Progress("scan", done, total, {"loss": history[-1]}))
            if len(history) > _PATIENCE and history[-1] > (1 - _GAIN) * history[-1 - _PATIENCE]:
                break
        with torch.no_grad():
            moved = smooth(u[None])[0]
        return {"moved": moved, "done": done, "inside": self.nodes.inside}


def _result(
    template: Template,
    found: ScanLandmarks,
    target: ScanTarget,
    person: PersonFit,
    attracted: Float64Array,
    config: ScanFitConfig,
    moved: Float32Array,
) -> ScanFit:
    expressions = [template.shape_names.index(name) for name in config.expressions]
    neutral, fitted, deltas = carry_parts(
        template, person.neutral.astype(np.float32), moved, expressions, person.weights
    )
    placed = person.rig_from_scan
    turn = placed.rotation.T
    world_from_rig = Alignment(turn, -turn @ placed.translation / placed.scale, 1 / placed.scale)
    points = fitted.astype(np.float64)
    weights = dict(zip(config.expressions, person.weights.tolist(), strict=True))
    hit = target.match(placed, points, np.zeros_like(points), np.inf, -2.0)
    return ScanFit(
        neutral, fitted, deltas, weights,
        world_from_rig, placed.scale, found.size_is_guessed, attracted, hit.distance,
    )  # fmt: skip


_MM = 1000.0
_MATCH_EVERY = 4
_PATIENCE, _GAIN = 30, 0.01
"""A level ends when this many steps gained less than this share."""
