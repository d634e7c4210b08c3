"""Gauss-Newton steps of weights and pose: what one moment's pictures say, at once.

A step of gradient descent moves a frame's weights by a rate, and thousands of frames have to be
drawn dozens of times; the normal equations of one look at a frame are worth some twenty of these
(Thies et al. 2016, "Face2Face", section 5, solve the same problem alike). The picture is linear in
small motions of the surface: a point that moves takes its colour along.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rig.motion import Motion, MotionSpline, rotation_from_vector
from mien_training.rig.observations import Observations
from mien_training.rig.personal_rig import Shapes
from mien_training.rig.picture import Picture

__all__ = ["MotionSolverConfig", "NormalEquations", "add_pixels", "add_points", "apply_step"]


@dataclass(frozen=True)
class MotionSolverConfig:
    """What the residuals of one moment are worth."""

    pixels: int = 3000
    """Pixels of the face that are looked at in each picture, drawn anew every time."""
    colour_sigma: float = 0.15
    """Spread of a colour difference, sRGB 0..1; neighbours err alike, so it is far above noise."""
    point_sigma: float = 0.02
    """Spread of the tracker's points, in sizes of the face."""
    weight_sigma: float = 1.0
    """Spread of blendshape weights about 0."""
    step_sigma: float = 0.2
    """Spread of one step's change of weights; rotations a tenth (rad), translations a fiftieth."""


@dataclass(eq=False)
class NormalEquations:
    """A step d minimises d^T matrix d - 2 right^T d; (K + 6) unknowns: weights, turn, shift."""

    matrix: Tensor
    right: Tensor

    @classmethod
    def prior(cls, weights: Tensor, config: MotionSolverConfig) -> NormalEquations:
        """Weights (K,) want to be 0, and steps small."""
        count = len(weights)
        spread = weights.new_full((count + 6,), config.step_sigma)
        spread[count : count + 3] /= 10
        spread[count + 3 :] /= 50
        diagonal = 1 / spread.square()
        diagonal[:count] += 1 / config.weight_sigma**2
        right = torch.zeros_like(diagonal)
        right[:count] = -weights / config.weight_sigma**2
        return cls(diagonal.diag(), right)

    def add(self, jacobian: Tensor, residual: Tensor, weight: Tensor) -> None:
        """Rows (N, K + 6) that should change by `residual` (N,), with weights (N,)."""
        weighted = jacobian * weight[:, None]
        self.matrix = self.matrix + weighted.T @ jacobian
        self.right = self.right + weighted.T @ residual

    def solve(self) -> Tensor:
        """(K + 6,) the step."""
        step: Tensor = torch.linalg.solve(self.matrix, self.right)
        return step


def add_pixels(
    equations: NormalEquations, shapes: Shapes, motion: Motion, seen: Observations, frame: int,
    picture: Picture, faces: Tensor, where: Tensor, config: MotionSolverConfig,
    rng: torch.Generator,
) -> None:  # fmt: skip
    """What the colours of one frame say; motion and picture are of this frame alone, (1, ...).

    faces (F, 3); where (H, W): pixels whose colours are compared.
    """
    seen_colour = seen.images[frame].float() / 255
    colour = picture.colour[0].detach()
    slope_x, slope_y = _slopes(colour)
    # Outlines move differently from what they bound: only pixels whose neighbours are the face's.
    inside = where & _calm(where) & (picture.coverage[0] > 0.99)
    rows, columns = inside.nonzero(as_tuple=True)
    if not len(rows):
        return
    drawn = torch.randperm(len(rows), generator=rng)[: config.pixels].to(rows.device)
    rows, columns = rows[drawn], columns[drawn]
    corners = faces[picture.triangle[0, rows, columns]]
    share = picture.bary[0, rows, columns]
    change, place = _point_motions(shapes, motion, corners, share)
    flow = _image_motions(seen, frame, place, change)  # (P, 2, U) pixels
    gradient = torch.stack([slope_x[rows, columns], slope_y[rows, columns]], 1)  # (P, 2, 3)
    # A surface that moves by f shows at x what was at x - f.
    jacobian = -torch.einsum("pax,pau->pxu", gradient, flow)
    residual = seen_colour[rows, columns] - colour[rows, columns]
    robust = 1 / (residual.square().sum(1).sqrt() + 0.02)  # of the absolute difference
    weight = (robust * 0.02 / config.colour_sigma**2)[:, None].expand_as(residual)
    equations.add(jacobian.flatten(0, 1), residual.flatten(), weight.flatten())


def add_points(
    equations: NormalEquations, shapes: Shapes, motion: Motion, seen: Observations, frame: int,
    corners: Tensor, share: Tensor, offsets: Tensor, confidence: Tensor, scale: Tensor,
    config: MotionSolverConfig,
) -> None:  # fmt: skip
    """What the tracker's points say.

    corners, share (478, 3): where they are on the mesh; offsets (478, 3): how far from there the
    tracker puts them, rig space; confidence (478,); scale: size of the face, pixels.
    """
    change, place = _point_motions(shapes, motion, corners, share)
    turn = rotation_from_vector(motion.rotation)[0]
    place = place + offsets @ turn.T
    flow = _image_motions(seen, frame, place, change)
    camera = seen.camera[frame : frame + 1]
    residual = seen.points[frame] - seen.views.pixels(camera, place[None])[0]
    sigma = config.point_sigma * scale
    distance = residual.norm(dim=1) / sigma
    weight = confidence / (1 + distance) / sigma**2
    # All of the points together count as twenty: they err together.
    weight = weight * 20 / confidence.sum().clamp_min(1)
    equations.add(flow.flatten(0, 1), residual.flatten(), weight[:, None].expand(-1, 2).flatten())


def apply_step(spline: MotionSpline, times_s: Tensor, step: Tensor) -> None:
    """Change the motion at (T,) times by the step, weights no farther than 0 or 1.

    The smallest change of control values that does it at each time; of several times, the mean.
    """
    count = spline.weights.shape[1]
    with torch.no_grad():
        for time in times_s:
            index, basis = spline.basis(time[None])
            at = index[0]
            share = (basis[0] / basis[0].square().sum() / len(times_s))[:, None]
            now = basis[0] @ spline.weights[at]
            spline.weights[at] += share * ((now + step[:count]).clamp(0, 1) - now)
            spline.rotation[at] += share * step[count : count + 3]
            spline.translation[at] += share * step[count + 3 :]


def _point_motions(
    shapes: Shapes, motion: Motion, corners: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    """(P, 3, K + 6) how surface points move with each unknown, and (P, 3) where they are."""
    deltas = torch.einsum("kpcx,pc->pxk", shapes.deltas[:, corners], share)
    rest = torch.einsum("pcx,pc->px", shapes.neutral[corners], share)
    face = rest + deltas @ motion.weights[0]
    turn = rotation_from_vector(motion.rotation)[0]
    zero = torch.zeros_like(face[:, 0])
    turned = face @ turn.T
    x, y, z = turned.unbind(1)
    # d(turned) for a small turn r about the world's axes is r x turned.
    cross = torch.stack([zero, z, -y, -z, zero, x, y, -x, zero], 1).reshape(-1, 3, 3)
    shift = torch.eye(3, dtype=face.dtype, device=face.device).expand(len(face), 3, 3)
    left = _left_jacobian(motion.rotation[0])
    change = torch.cat([turn @ deltas, cross @ left, shift], 2)
    return change, turned + motion.translation[0]


def _left_jacobian(vector: Tensor) -> Tensor:
    """(3, 3) world turn per change of a rotation vector (3,)."""
    angle = vector.norm()
    x, y, z = vector.unbind()
    zero = torch.zeros_like(x)
    k = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
    one = torch.eye(3, dtype=vector.dtype, device=vector.device)
    if angle < 1e-4:
        near_zero: Tensor = one + 0.5 * k
        return near_zero
    a, b = (1 - angle.cos()) / angle**2, (angle - angle.sin()) / angle**3
    jacobian: Tensor = one + a * k + b * k @ k
    return jacobian


def _image_motions(seen: Observations, frame: int, place: Tensor, change: Tensor) -> Tensor:
    """(P, 2, U) pixels per unknown of world points (P, 3) that move by (P, 3, U)."""
    camera = int(seen.camera[frame])
    view, K = seen.views.camera_from_world[camera], seen.views.intrinsics[camera]
    at = place @ view[:3, :3].T + view[:3, 3]
    moved = view[:3, :3] @ change
    depth = at[:, 2].clamp_min(0.01)[:, None, None]
    flat = moved[:, :2] / depth - at[:, :2, None] / depth**2 * moved[:, 2:]
    pixels: Tensor = K[:2, :2] @ flat
    return pixels


def _slopes(image: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences (H, W, 3) along x and y, per pixel."""
    along_x, along_y = torch.zeros_like(image), torch.zeros_like(image)
    along_x[:, 1:-1] = 0.5 * (image[:, 2:] - image[:, :-2])
    along_y[1:-1] = 0.5 * (image[2:] - image[:-2])
    return along_x, along_y


def _calm(where: Tensor) -> Tensor:
    """(H, W) pixels whose four neighbours are in `where` too."""
    calm = torch.zeros_like(where)
    calm[1:-1, 1:-1] = where[1:-1, 2:] & where[1:-1, :-2] & where[2:, 1:-1] & where[:-2, 1:-1]
    return calm
