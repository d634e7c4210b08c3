"""Clips -> glTF animations: morph weights, and the rotations of neck, head and eyes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray

from mien.channels import HEAD_CHANNELS, canonical_name, reorder
from mien.clip import Clip
from mien.deform import NECK_SHARE
from mien.errors import ChannelError, InputError
from mien.rig import Rig
from mien.rotation import quaternion_from_angles, scale_rotation
from mien_exporters.gltf_buffers import BufferBuilder

__all__ = ["add_animation", "rotation_tracks", "weights_of"]

_NEGLIGIBLE_ANGLE = 1e-6
"""Radians: a track that never turns further than this is left out."""


def weights_of(clip: Clip, rig: Rig) -> NDArray[np.float32]:
    """(T, K) morph weights in the rig's order, clamped to [0, 1].

    Shapes that the clip does not animate stay at 0. Known channels that the rig has no shape for
    are dropped; a name that is neither one of the rig's nor a known channel raises ChannelError,
    as does a clip that animates none of the rig's shapes and no head angle.
    """
    weights = reorder(clip.values, clip.names, rig.shape_names, missing=0.0)
    return np.clip(weights, 0.0, 1.0).astype(np.float32)


def rotation_tracks(clip: Clip, rig: Rig) -> dict[str, NDArray[np.float32]]:
    """Joint name -> (T, 4) local rotations xyzw, for the joints that the clip turns.

    headYaw, headPitch and headRoll are shared by neck and head (`mien.deform.NECK_SHARE`, about
    one common axis). The eyes' angles turn the eye joints only for a rig without eyeLook shapes:
    where it has them, gaze is in the morphs already, and both together would turn the eyes twice.
    """
    names = {canonical_name(n): i for i, n in enumerate(clip.names) if n not in rig.shape_index}
    tracks: dict[str, NDArray[np.float64]] = {}
    head = _angles(clip, names, HEAD_CHANNELS[:3])
    if head is not None:
        tracks["neck"] = scale_rotation(head, NECK_SHARE)
        tracks["head"] = scale_rotation(head, 1.0 - NECK_SHARE)
    if not any(name.startswith("eyeLook") for name in rig.shape_names):
        for joint, channels in (("leftEye", HEAD_CHANNELS[3:6]), ("rightEye", HEAD_CHANNELS[6:])):
            eye = _angles(clip, names, channels)
            if eye is not None:
                tracks[joint] = eye
    return {
        joint: _continuous(track).astype(np.float32)
        for joint, track in tracks.items()
        if joint in rig.joint_index
    }


def _angles(
    clip: Clip, columns: Mapping[str, int], channels: tuple[str, ...]
) -> NDArray[np.float64] | None:
    """(T, 4) rotations of three angle channels (an absent one is 0); None if nothing turns."""
    angles = np.zeros((len(clip.times_s), 3))
    for axis, channel in enumerate(channels):
        if channel in columns:
            angles[:, axis] = clip.values[:, columns[channel]]
    return quaternion_from_angles(angles) if np.abs(angles).max() > _NEGLIGIBLE_ANGLE else None


def _continuous(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same rotations, each in the hemisphere of the one before: importers differ in whether
    they take the short way between q and -q."""
    turns = np.cumsum(np.einsum("tx,tx->t", q[1:], q[:-1]) < 0)
    return np.concatenate([q[:1], np.where(turns[:, None] % 2 == 1, -q[1:], q[1:])])


def add_animation(
    document: gltf.GLTF2,
    buffers: BufferBuilder,
    rig: Rig,
    name: str,
    clip: Clip,
    rate_hz: float | None,
    mesh_node: int,
    joint_node: Mapping[str, int],
) -> None:
    """Append one animation: linear keys for the mesh's weights and for each joint that turns.

    Times begin at 0 and are resampled to `rate_hz`, or kept with None. Raises ChannelError for
    unknown channels and for a clip that has nothing of this rig's, InputError for times that do
    not increase at float32 precision, which is what glTF stores.
    """
    _check_channels(name, clip, rig)
    if rate_hz is not None:
        clip = clip.resample(rate_hz)
    times = (clip.times_s - clip.times_s[0]).astype(np.float32)
    if (np.diff(times) <= 0).any():
        raise InputError(f"clip {name!r}: times do not increase, expected one key per moment")
    key_times = buffers.values(times, bounds=True)
    animation = gltf.Animation(name=name)

    def track(node: int, path: str, values: NDArray[np.float32]) -> None:
        animation.samplers.append(
            gltf.AnimationSampler(
                input=key_times, output=buffers.values(values), interpolation="LINEAR"
            )
        )
        animation.channels.append(
            gltf.AnimationChannel(
                sampler=len(animation.samplers) - 1,
                target=gltf.AnimationChannelTarget(node=node, path=path),
            )
        )

    if rig.shape_names:
        # Key-major: all targets of the first key, then all of the second.
        track(mesh_node, "weights", np.ascontiguousarray(weights_of(clip, rig)).ravel())
    for joint, rotations in rotation_tracks(clip, rig).items():
        track(joint_node[joint], "rotation", rotations)
    document.animations.append(animation)


def _check_channels(name: str, clip: Clip, rig: Rig) -> None:
    own = set(rig.shape_names)
    known = {n for n in clip.names if n in own or canonical_name(n) in own | set(HEAD_CHANNELS)}
    if not known:
        raise ChannelError(
            f"clip {name!r}: none of its {len(clip.names)} channels is a shape of rig "
            f"{rig.name!r} or a head angle"
        )
