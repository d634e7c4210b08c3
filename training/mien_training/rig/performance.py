"""What a fit knows of its footage, handed on with the person: motion, cameras and light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial.transform import Rotation

from mien_training.footage.face_crop import SourceFrames
from mien_training.footage.observations import Observations
from mien_training.footage.rig_performance import FilmingCamera, FittedLight, RigPerformance
from mien_training.rendering.appearance import Appearance
from mien_training.rig.fit import RigFit
from mien_training.rig.model.motion import Motion
from mien_training.rig.robust.lost_frames import FrameLimits, off_points
from mien_training.rig.skin_texture import white_light

__all__ = ["performance_of"]


def performance_of(
    fit: RigFit, seen: Observations, motion: Motion, sources: Sequence[SourceFrames],
    sha256: Mapping[str, str], person_sha256: str, limits: FrameLimits,
) -> RigPerformance:  # fmt: skip
    """Of every frame in `seen`, which the fit was given.

    motion: of these frames (`RigFit.motion_at`); sources: of each camera; sha256: of each source by
    its name; person_sha256: of the file of the person whose motion it is.
    """
    which = seen.camera.tolist()
    places = list(zip(which, seen.frame.tolist(), strict=True))
    offsets = fit.model.time_offsets
    with torch.no_grad():
        time_s = seen.times_s.double() + offsets.offsets_s.double()[seen.camera]
        cameras = tuple(
            FilmingCamera(s.name, sha256[s.name], s.crop, offset_s)
            for s, offset_s in zip(sources, offsets.offsets_s.tolist(), strict=True)
        )
    face_px = (seen.points.amax(1) - seen.points.amin(1)).amax(1)
    points_px = fit.errors.points_px
    return RigPerformance(
        person_sha256=person_sha256,
        shape_names=fit.template.shape_names,
        size=seen.images.shape[1],
        cameras=cameras,
        camera=seen.camera.numpy(),
        frame=np.array([sources[c].frames[t] for c, t in places], np.int64),
        clock_s=np.array([sources[c].times_s[t] for c, t in places], np.float64),
        time_s=time_s.numpy(),
        weights=motion.weights.numpy(),
        rotation_xyzw=Rotation.from_rotvec(motion.rotation.double().numpy()).as_quat(),
        translation=motion.translation.double().numpy(),
        trusted=seen.trusted.numpy(),
        lost=(off_points(points_px, face_px, limits) & seen.trusted).numpy(),
        points_px=points_px.numpy(),
        face_px=face_px.numpy(),
        landmark_bias=fit.model.landmark_bias.detach().numpy(),
        light=_light_of(fit.model.appearance),
    )


def _light_of(appearance: Appearance) -> FittedLight:
    """For the texture that `skin_texture` makes of the fitted one."""
    with torch.no_grad():
        gain = torch.cat([torch.zeros(1, 3), appearance.log_gain]).exp()
        return FittedLight(
            (appearance.light / white_light(appearance)).numpy(),
            gain.numpy(),
            F.normalize(appearance.highlight_from, dim=-1).numpy(),
            appearance.highlight_log_colour.exp().numpy(),
            appearance.highlight_log_sharpness.exp().numpy(),
        )
