"""How far the rig is from what was seen, frame by frame: a mean hides the frames that are lost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rig.model.motion import rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.photometric.vertex_equations import ROBUST_COLOUR
from mien_training.rig.robust.occluders import COVERED_COLOUR, Occlusion, find_occlusion

__all__ = ["FrameErrors", "errors_of_render", "frame_errors"]

_BATCH = 6
_AREA = 0.5
"""Of the square around a face, about: how many pixels' equations a frame has. The true number
would make frames better in which the head turns away."""


@dataclass(frozen=True, eq=False)
class FrameErrors:
    """Of B frames."""

    points_px: Tensor
    """(B,) mean distance of the visible points to the tracker's, pixels."""
    photometric: Tensor
    """(B,) mean absolute colour difference over the compared pixels, sRGB 0..1."""
    cost: Tensor
    """(B,) what a Gauss-Newton pass reduces: robust squared errors in units of their spreads."""
    covered: Tensor
    """(B,) share of the compared pixels that show something else than the face."""

    @classmethod
    def cat(cls, parts: list[FrameErrors]) -> FrameErrors:
        """One after the other."""
        return cls(*(torch.cat([getattr(p, name) for p in parts]) for name in _FIELDS))

    def cpu(self) -> FrameErrors:
        """The same in main memory."""
        return FrameErrors(*(getattr(self, name).cpu() for name in _FIELDS))

    def replaced(self, rows: Tensor, other: FrameErrors) -> FrameErrors:
        """With other errors in rows (R,)."""
        parts = ((getattr(self, name), getattr(other, name)) for name in _FIELDS)
        return FrameErrors(*(old.index_copy(0, rows, new) for old, new in parts))


_FIELDS = ("points_px", "photometric", "cost", "covered")


def frame_errors(objective: Objective, shapes: Shapes, frames: Tensor) -> FrameErrors:
    """Render frames (B,) as the performance is now, and compare."""
    found = []
    with torch.no_grad():
        for part in torch.split(frames, _BATCH):
            seen = objective.seen
            vertices = shapes.posed(objective.motion_at(part))
            images = seen.images[part].float() / 255
            rendered = objective.renderer(
                vertices, seen.views, seen.camera[part], objective.model.appearance, images,
                smooth_edges=False,
            )  # fmt: skip
            where = objective.compared(rendered, part)
            difference = rendered.colour - images
            occlusion = find_occlusion(difference.norm(dim=-1), where)
            found.append(errors_of_render(objective, part, vertices, difference, where, occlusion))
    return FrameErrors.cat(found)


def errors_of_render(
    objective: Objective, frames: Tensor, vertices: Tensor, difference: Tensor, where: Tensor,
    occlusion: Occlusion,
) -> FrameErrors:  # fmt: skip
    """Of frames (B,) that have been rendered: vertices (B, V, 3), differences of colours
    (B, H, W, 3) to what was seen, compared where (B, H, W)."""
    seen, config = objective.seen, objective.config.motion
    camera, motion = seen.camera[frames], objective.motion_at(frames)
    turn = rotation_from_vector(motion.rotation)
    points = objective.landmark_points.positions(vertices)
    points = points + objective.model.landmark_bias @ turn.transpose(1, 2)
    sure = objective.point_confidence(vertices, turn, frames)
    miss = (seen.views.pixels(camera, points) - seen.points[frames]).norm(dim=-1)
    total = sure.sum(1).clamp_min(1)
    count = where.sum((1, 2)).clamp_min(1)
    size = objective.face_px[frames]
    # The antiderivatives of the weights in `from_points` and `vertex_equations`; what covers the
    # face costs as much as the least that does, however different it is.
    scaled = miss / (config.point_sigma * size[:, None])
    of_points = config.effective_point_count * (sure * _robust(scaled)).sum(1) / total
    off = _robust(difference.norm(dim=-1) / ROBUST_COLOUR)
    most = _robust(torch.tensor(COVERED_COLOUR / ROBUST_COLOUR))
    off = occlusion.weight * off + (1 - occlusion.weight) * most
    of_pixels = (off * where).sum((1, 2)) / count
    per_pixel = (ROBUST_COLOUR / config.colour_sigma) ** 2 * _AREA * size**2
    absolute = (difference.abs().mean(-1) * where).sum((1, 2)) / count
    of_pixels = per_pixel * of_pixels * objective.uses_pixels[frames]
    return FrameErrors(
        (miss * sure).sum(1) / total, absolute, of_points + of_pixels, occlusion.share
    )


def _robust(scaled: Tensor) -> Tensor:
    return scaled - scaled.log1p()
