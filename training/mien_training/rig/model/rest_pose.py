"""What a shape shows all the time belongs to the neutral.

Where a weight never comes down to 0, neutral and weight can share a displacement in any proportion:
every image stays the same. Faces rest now and then, so the part that is always there is the
neutral's. Not that of eyes, whose gaze has no rest, nor of an open mouth: somebody may talk all
through a recording.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mien_training.rig.model.motion import MotionSpline
from mien_training.rig.model.personal_rig import PersonalRig

__all__ = ["absorb_rest_pose", "rests"]

_FEWEST = 30
"""Frames from which it can be told what is always there."""


def rests(shape_names: Sequence[str]) -> Tensor:
    """(K,) 1 for shapes that a face at rest does not show, 0 for those that it may."""
    free = [n.startswith("eye") or n in ("jawOpen", "mouthClose") for n in shape_names]
    return 1.0 - torch.tensor(free, dtype=torch.float32)


def absorb_rest_pose(
    rig: PersonalRig, motion: MotionSpline, times_s: Tensor, at_rest: Tensor, share: float,
    personal_shapes: bool,
) -> None:  # fmt: skip
    """Move what weights always show at times (N,) into the neutral.

    at_rest (K,): what `rests` returned; share: of the times, at which a shape is taken to be at
    rest: there the face comes a little nearer to the neutral, elsewhere it stays. 0 leaves all as
    it is.
    """
    if share <= 0 or len(times_s) < _FEWEST:
        return
    with torch.no_grad():
        always = torch.quantile(motion(times_s).weights, share, dim=0).clamp_min(0) * at_rest
        rig.rest += torch.tensordot(always, rig(personal_shapes).deltas, dims=1)
        motion.weights.copy_((motion.weights - always).clamp_min(0))
