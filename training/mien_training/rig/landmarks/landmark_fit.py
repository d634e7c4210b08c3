"""The first stage: identity, expression and pose from the tracker's points alone.

Closed-form scaled orthography gives each view a start (the "POS" of DeMenthon and Davis 1995, for
given correspondences); then all unknowns are optimised together. Only the template's own people
and shapes are used: what they cannot say is left to the stages that look at pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.footage.observed_landmarks import FEWEST_LANDMARKS, ObservedLandmarks
from mien_training.head import Template
from mien_training.rig.model.loss_terms import landmark_loss, range_loss
from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.runs.progress import Progress, Report, silent

__all__ = [
    "LandmarkFit", "LandmarkFitConfig", "ShapeSelection", "continuous", "fit_landmarks",
    "scaled_orthography",
]  # fmt: skip


@dataclass(frozen=True)
class LandmarkFitConfig:
    """How the first stage is optimised."""

    steps: int = 250
    """Optimiser steps; in the first fifth only poses move."""
    learning_rate: float = 0.02
    """Adam's step for identity, expression and rotation; a tenth of it for translation."""
    identity_prior: float = 3e-4
    """Weight of the mean squared identity coefficient (they are standard normal)."""
    expression_prior: float = 3e-2
    """Weight of the mean squared blendshape weight."""
    range_penalty: float = 1.0
    """Weight of the mean squared excess of blendshape weights over 0..1."""

    def __post_init__(self) -> None:
        weights = (self.identity_prior, self.expression_prior, self.range_penalty)
        if self.steps < 1 or not self.learning_rate > 0 or not min(weights) >= 0:
            raise InputError(
                f"{self}: expected one step or more, a rate above 0, weights of 0 or more"
            )


@dataclass(frozen=True, eq=False)
class ShapeSelection:
    """Which shapes a fit may use, and the weights of the others."""

    free: Tensor
    """(K,) bool: weights that are looked for."""
    known: Tensor
    """(K,) weights that stay, where not free."""

    @classmethod
    def all(cls, shapes: int) -> ShapeSelection:
        """Every shape may be at work."""
        return cls(torch.ones(shapes, dtype=torch.bool), torch.zeros(shapes))

    def of(self, weights: Tensor) -> Tensor:
        """(T, K) weights: those of (T, K) that are free, and the known ones."""
        return torch.where(self.free, weights, self.known)


@dataclass(frozen=True, eq=False)
class LandmarkFit:
    """What the points say."""

    identity: Tensor
    """(M,) coefficients of the template's identity modes."""
    motion: Motion
    """At every moment."""
    error_px: Tensor
    """(N,) mean distance of the points in each image."""


def fit_landmarks(
    template: Template,
    views: CameraBatch,
    seen: ObservedLandmarks,
    config: LandmarkFitConfig | None = None,
    report: Report = silent,
    shapes: ShapeSelection | None = None,
) -> LandmarkFit:
    """Fit the template's people and shapes to points; all shapes are free without `shapes`.

    Raises InputError for points that show no face.
    """
    config = config or LandmarkFitConfig()
    basis = _LandmarkBasis(template)
    confidence = seen.confidence * basis.present
    moments = int(seen.moment.max()) + 1
    rotation, translation = _first_poses(basis, views, seen, confidence, moments)
    identity = torch.zeros(len(basis.modes), requires_grad=True)
    weights = torch.zeros(moments, len(basis.deltas), requires_grad=True)
    rotation.requires_grad_(True)
    translation.requires_grad_(True)
    pose, rest = [rotation, translation], [identity, weights]
    rate = config.learning_rate
    optimiser = torch.optim.Adam(
        [
            {"params": [rotation], "lr": rate},
            {"params": [translation], "lr": rate / 10},
            {"params": [identity], "lr": rate},
            {"params": [weights], "lr": rate},
        ]
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, config.steps, eta_min=rate / 50
    )
    scale = _face_extent(seen)
    shapes = shapes or ShapeSelection.all(len(basis.deltas))

    def project() -> Tensor:
        points = basis.neutral + torch.tensordot(identity, basis.modes, dims=1)
        points = points + torch.einsum("tk,klx->tlx", shapes.of(weights), basis.deltas)
        turned = points @ rotation_from_vector(rotation).transpose(1, 2) + translation[:, None]
        return views.pixels(seen.camera, turned[seen.moment])

    for step in range(config.steps):
        loss = landmark_loss(project(), seen.pixels, confidence, scale)
        loss = loss + config.identity_prior * identity.square().sum() / max(len(identity), 1)
        loss = loss + config.expression_prior * weights.square().mean()
        loss = loss + config.range_penalty * range_loss(weights)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if step < config.steps // 5:
            for parameter in rest:
                parameter.grad = None
        optimiser.step()
        schedule.step()
        report(Progress("points", step + 1, config.steps, {"loss": float(loss.detach())}))
    with torch.no_grad():
        gap = torch.where(confidence[..., None] > 0, project() - seen.pixels, 0.0)
        distance = gap.norm(dim=-1) * confidence
        error = distance.sum(1) / confidence.sum(1)
    found = shapes.of(weights.detach().clamp(0, 1))
    return LandmarkFit(identity.detach(), Motion(found, *(p.detach() for p in pose)), error)


def scaled_orthography(
    points: NDArray[np.float64], rays: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """camera_from_rig rotation (3, 3) and translation (3,) of a distant object, in closed form.

    points (P, 3) in rig space, metres; rays (P, 2) normalised image coordinates x/z, y/z of the
    same points. Least squares of an affine camera, made orthonormal. Raises InputError where the
    points lie in a plane or a line.
    """
    middle = points.mean(0)
    design = np.c_[points - middle, np.ones(len(points))]
    if np.linalg.matrix_rank(design, tol=1e-6) < 4:
        raise InputError("scaled_orthography: the points lie in one plane")
    affine = np.linalg.lstsq(design, rays, rcond=None)[0].T  # (2, 4)
    u, size, vt = np.linalg.svd(affine[:, :3], full_matrices=False)
    first_two = u @ vt
    rotation = np.stack([*first_two, np.cross(*first_two)])
    depth = 1.0 / size.mean()
    offset = np.array([*(affine[:, 3] * depth), depth])
    return rotation, offset - rotation @ middle


class _LandmarkBasis:
    """The template's points, people and shapes at the tracker's 478 places."""

    def __init__(self, template: Template) -> None:
        landmarks = template.landmarks
        present = landmarks.triangle >= 0
        if present.sum() < FEWEST_LANDMARKS:
            raise InputError(f"template {template.name!r} has {present.sum()} landmarks")
        corners = template.triangles[np.where(present, landmarks.triangle, 0)]
        share = torch.from_numpy(landmarks.barycentric * present[:, None])

        def at_points(values: NDArray[np.float32]) -> Tensor:
            return torch.einsum("lc,klcx->klx", share, torch.from_numpy(values)[:, corners])

        self.present = torch.from_numpy(present.astype(np.float32))
        self.neutral = at_points(template.vertices[None])[0]
        self.deltas = at_points(template.shape_deltas)
        self.modes = (
            torch.zeros(0, 478, 3)
            if template.identity is None
            else at_points(template.identity.modes)
        )


def _first_poses(
    basis: _LandmarkBasis,
    views: CameraBatch,
    seen: ObservedLandmarks,
    confidence: Tensor,
    moments: int,
) -> tuple[Tensor, Tensor]:
    """(moments, 3) rotation vectors and translations of world_from_rig.

    Each moment starts from the view that looks most straight at the face.
    """
    from scipy.spatial.transform import Rotation

    rotation, translation = np.zeros((moments, 3)), np.zeros((moments, 3))
    frontal = np.full(moments, -np.inf)
    for n in range(len(seen.camera)):
        good = confidence[n].numpy() > 0
        K = views.intrinsics[seen.camera[n]].double().numpy()
        pixels = np.c_[seen.pixels[n].double().numpy(), np.ones(478)][good]
        rays = (pixels @ np.linalg.inv(K).T)[:, :2]
        turn, move = scaled_orthography(basis.neutral.double().numpy()[good], rays)
        towards = -turn[2, 2]  # the face's +Z against the camera's
        moment = int(seen.moment[n])
        if towards <= frontal[moment]:
            continue
        frontal[moment] = towards
        world_from_camera = np.linalg.inv(views.camera_from_world[seen.camera[n]].double().numpy())
        rotation[moment] = Rotation.from_matrix(world_from_camera[:3, :3] @ turn).as_rotvec()
        translation[moment] = world_from_camera[:3, :3] @ move + world_from_camera[:3, 3]
    if np.isinf(frontal).any():
        raise InputError(f"no image of moment {int(np.isinf(frontal).argmax())}")
    return torch.tensor(continuous(rotation), dtype=torch.float32), torch.tensor(
        translation, dtype=torch.float32
    )


def continuous(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 3) rotation vectors of the same rotations, each near the one before.

    A rotation by nearly half a turn has two vectors, nearly opposite: what interpolates from one
    to the other turns all the way round. A head that looks at a camera is just that far from the
    camera's axes.
    """
    found = vectors.copy()
    for t in range(1, len(found)):
        angle = np.linalg.norm(found[t])
        if angle < 1e-9:
            continue
        turns = found[t] / angle * (angle + 2 * np.pi * np.arange(-1, 2)[:, None])
        found[t] = turns[np.linalg.norm(turns - found[t - 1], axis=1).argmin()]
    return found


def _face_extent(seen: ObservedLandmarks) -> Tensor:
    """(N, 1, 1) largest extent of the seen points, pixels: a scale that turning hardly changes."""
    there = seen.confidence[..., None] > 0
    low = torch.where(there, seen.pixels, torch.inf).amin(1)
    high = torch.where(there, seen.pixels, -torch.inf).amax(1)
    return (high - low).amax(1)[:, None, None]
