"""A character's photoreal avatar as a volume: pictures of its frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.avatar.pinhole import Pinhole, PinholeCamera
from mien.avatar.playback.avatar_image import AvatarImage
from mien.avatar.playback.splat_avatar import camera_turn, require_drawing
from mien.avatar.playback.volume_file import read_volume_model
from mien.avatar.playback.volume_networks import VolumeNetworks
from mien.avatar.volume.march import march
from mien.avatar.volume.nearby import PosedAnchors
from mien.avatar.volume.shell_rays import shell_rays
from mien.avatar.volume.volume_model import VolumeModel
from mien.avatar_kinds import VolumeEntry
from mien.channels import reorder
from mien.deform import blend, joint_motion, pose_from_head, shape_weights, skin
from mien.errors import PackageError
from mien.frame import Frame
from mien.onnx_session import Providers
from mien.package import Package
from mien.rig import Rig
from mien.rotation import IDENTITY, quaternion_multiply

__all__ = ["VolumeAvatar"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VolumeAvatar:
    """One avatar, from a character package; `Character.avatar` makes it. Thread-safe."""

    entry: VolumeEntry
    rig: Rig
    model: VolumeModel
    networks: VolumeNetworks

    @classmethod
    def of(
        cls, package: Package, rig: Rig, entry: VolumeEntry, providers: Providers = None
    ) -> VolumeAvatar:
        """The avatar of an entry of the manifest. Raises PackageError, naming the file, for what
        cannot be used."""
        file = f"{package.source.where}: {entry.volume}"
        model = read_volume_model(package.verified(entry.volume), entry, file)
        if entry.vertices != len(rig.vertices):
            raise PackageError(
                f"{file}: is of a mesh of {entry.vertices} vertices, the character has "
                f"{len(rig.vertices)}"
            )
        return cls(entry, rig, model, VolumeNetworks.of(package, entry, providers))

    def image(self, frame: Frame, camera: PinholeCamera, width: int, height: int) -> AvatarImage:
        """A picture of a frame, marked as synthetic.

        The camera stands in the space of the rig's root, in which the frame turns head and neck,
        as the character's skeleton does. Runs in the calling thread alone. Raises ChannelError for
        the frame of another character, InputError for an image without pixels or with a side above
        4096 and for cameras with skew or distortion, MissingExtraError without the extra `avatar`.
        """
        require_drawing()
        plain = blend(self.rig, shape_weights(self.rig, frame.channel_names, frame.channels))
        # The networks know the head without its motion; so do the anchors, the rays and the view.
        head_from_rig = self.model.rigid_motion(plain, self.rig.vertices)
        own = _moved(head_from_rig, plain)
        head_from_root, posed = head_from_rig, own
        if not np.array_equal(frame.head_rotation_xyzw, IDENTITY):
            pose = pose_from_head(self.rig, frame.head_rotation_xyzw)
            turned = joint_motion(self.rig, pose, "head")
            head_from_root = head_from_rig @ np.linalg.inv(turned)
            posed = _moved(head_from_root, skin(self.rig, plain, pose))
        channels = reorder(frame.channels, frame.channel_names, self.entry.channels, 0.0)
        turn = quaternion_multiply(camera_turn(camera), frame.head_rotation_xyzw)
        tables = self.networks.features(channels, turn, own - self.rig.vertices)
        near = Pinhole(
            np.asarray(camera.K, np.float64),
            np.asarray(camera.camera_from_world, np.float64) @ np.linalg.inv(head_from_root),
        )
        rays = shell_rays(self.model, posed, near, width, height)
        drawn: Float32Array = np.zeros((height * width, 4), np.float32)
        drawn[rays.pixels] = march(
            self.networks, tables, PosedAnchors(self.model, posed), rays, self.entry.samples
        )
        return AvatarImage(drawn.reshape(height, width, 4), self.entry.synthetic_mark)

    def bounds(self) -> Float32Array:
        """(2, 3) lower and upper corner of a box that holds the head in every expression, metres,
        rig space."""
        return np.array([self.entry.low_m, self.entry.high_m], np.float32)


def _moved(motion: Float64Array, points: Float32Array) -> Float32Array:
    return np.asarray(points @ motion[:3, :3].T + motion[:3, 3], np.float32)
