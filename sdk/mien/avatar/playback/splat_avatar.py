"""A character's photoreal avatar: coefficients, Gaussians and pictures of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.avatar.draw_splats import draw_splats
from mien.avatar.pinhole import PinholeCamera
from mien.avatar.playback.avatar_image import AvatarImage
from mien.avatar.playback.coefficient_model import STRAIGHT_BEFORE, CoefficientModel
from mien.avatar.playback.splat_file import read_splat_model
from mien.avatar.playback.splat_model import SplatModel
from mien.avatar.splats import Splats
from mien.avatar_kinds import SplatsEntry
from mien.channels import reorder
from mien.deform import blend, pose_from_head, shape_weights, skin
from mien.errors import InputError, MissingExtraError, PackageError
from mien.frame import Frame
from mien.package import Package
from mien.rig import Rig
from mien.rotation import IDENTITY, quaternion_from_matrix, quaternion_multiply

__all__ = ["SplatAvatar", "camera_turn", "require_drawing"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SplatAvatar:
    """One avatar, from a character package; `Character.avatar` makes it. Thread-safe."""

    entry: SplatsEntry
    rig: Rig
    model: SplatModel
    network: CoefficientModel

    @classmethod
    def of(
        cls, package: Package, rig: Rig, network: CoefficientModel, entry: SplatsEntry
    ) -> SplatAvatar:
        """The avatar of an entry of the manifest. Raises PackageError, naming the file, for what
        cannot be used."""
        file = f"{package.source.where}: {entry.splats}"
        model = read_splat_model(package.verified(entry.splats), entry, file)
        if model.anchors.vertex_count != len(rig.vertices):
            raise PackageError(
                f"{file}: is of a mesh of {model.anchors.vertex_count} vertices, the character "
                f"has {len(rig.vertices)}"
            )
        return cls(entry, rig, model, network)

    def __len__(self) -> int:
        """How many Gaussians there are."""
        return len(self.model)

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """D names, in the order of `coefficients`."""
        return self.entry.coefficients

    def coefficients(
        self,
        channels: ArrayLike,
        head_rotation_xyzw: ArrayLike = IDENTITY,
        names: Sequence[str] | None = None,
    ) -> Float32Array:
        """(C,) -> (D,), or (T, C) and (T, 4) -> (T, D): how much of each map.

        head_rotation_xyzw: as `Frame.head_rotation_xyzw`, of the head before the camera that looks
        on. names: of the channels, in any order and spelling; None: the avatar's own. Raises
        InputError for other shapes and values, ChannelError for names that are not known.
        """
        values = np.asarray(channels, np.float32)
        if names is not None:
            values = reorder(values, names, self.network.channel_names, 0.0)
        turned = np.asarray(head_rotation_xyzw, np.float64)
        if turned.shape == (4,) and values.ndim == 2:
            turned = np.tile(turned, (len(values), 1))
        if turned.shape != (*values.shape[:-1], 4):
            raise InputError(
                f"avatar: head rotations have shape {turned.shape}, expected "
                f"{(*values.shape[:-1], 4)}"
            )
        return self.network.coefficients(values, quaternion_multiply(STRAIGHT_BEFORE, turned))

    def splats(self, frame: Frame) -> Splats:
        """The Gaussians of a frame in rig space, in which the head does not turn; how it is turned
        before the camera that looks on is in their colours. Raises ChannelError for the frame of
        another character."""
        return self._splats(frame, self.network.of_frame(frame), turned=False)

    def image(self, frame: Frame, camera: PinholeCamera, width: int, height: int) -> AvatarImage:
        """A picture of a frame, marked as synthetic.

        The camera stands in the space of the rig's root, in which the frame turns head and neck,
        as the character's skeleton does. Raises as `splats` and `mien.avatar.draw_splats` do:
        MissingExtraError without the extra `avatar`.
        """
        require_drawing()
        told = self.network.of_frame(frame, camera_turn(camera))
        drawn = draw_splats(self._splats(frame, told, turned=True), camera, width, height)
        return AvatarImage(drawn, self.entry.synthetic_mark)

    def bounds(self) -> Float32Array:
        """(2, 3) lower and upper corner of the box of all centres, in every expression, metres."""
        return np.array([self.entry.low_m, self.entry.high_m], np.float32)

    def _splats(self, frame: Frame, coefficients: Float32Array, turned: bool) -> Splats:
        weights = shape_weights(self.rig, frame.channel_names, frame.channels)
        vertices = blend(self.rig, weights)
        if turned and not np.array_equal(frame.head_rotation_xyzw, IDENTITY):
            vertices = skin(self.rig, vertices, pose_from_head(self.rig, frame.head_rotation_xyzw))
        return self.model.posed(vertices, coefficients)


def camera_turn(camera: PinholeCamera) -> NDArray[np.float64]:
    """(4,) xyzw of a camera's rotation, from its world's axes to its own."""
    return quaternion_from_matrix(np.asarray(camera.camera_from_world, np.float64)[:3, :3])


def require_drawing() -> None:
    """Raises MissingExtraError without Warp, before anything is computed."""
    try:
        import mien.avatar.warp_start  # noqa: F401
    except MissingExtraError as error:
        raise MissingExtraError(f"avatar.image: {error}") from None
