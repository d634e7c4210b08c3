"""The contract's messages as frozen dataclasses, for server and client alike (proto/mien/v1)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.filters import OneEuroConfig
from mien.frame import Frame
from mien.session import Observation
from mien.session_options import SessionOptions

__all__ = [
    "AnimateOpen",
    "AvatarPictureOutputs",
    "CalibrateInput",
    "CalibrateReply",
    "DetailMapOutputs",
    "FrameInput",
    "ImageInput",
    "Layout",
    "LostFace",
    "Opened",
    "Outputs",
    "PerformerInput",
    "RigReply",
    "Settings",
    "TrackOpen",
    "TrackOutputs",
    "TrackReply",
    "TrackedFace",
]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """Feature groups in order, by name and size."""

    groups: tuple[tuple[str, int], ...] = ()
    sha256: str = ""
    """As the other side sent it; `hash` is what it must be."""

    @property
    def size(self) -> int:
        """Values in a feature vector."""
        return sum(size for _, size in self.groups)

    @property
    def hash(self) -> str:
        """Hexadecimal SHA-256 of each group as "name:size" and a line feed."""
        text = "".join(f"{name}:{size}\n" for name, size in self.groups)
        return hashlib.sha256(text.encode()).hexdigest()

    def __str__(self) -> str:
        return ", ".join(f"{name} ({size})" for name, size in self.groups) or "no groups"


@dataclass(frozen=True)
class DetailMapOutputs:
    """Which maps of the skin to send, how large and how often."""

    side: int = 256
    """Largest side, texels; Opened.settings tells that of the package's maps which come."""
    displacement: bool = True
    normal: bool = False
    every: int = 1
    """Every how many answered frames come with maps, the first one included."""

    @property
    def size_bytes(self) -> int:
        """Of one performer's maps."""
        return self.side**2 * (2 * self.displacement + 3 * self.normal)


@dataclass(frozen=True)
class AvatarPictureOutputs:
    """How large pictures of the avatar are to be, and how often they come."""

    side: int = 256
    """Of the square picture, pixels."""
    every: int = 1
    """Every how many answered frames come with a picture, the first one included."""

    @property
    def pixels(self) -> int:
        """Of one picture."""
        return self.side**2


@dataclass(frozen=True)
class Outputs:
    """Which parts of a rig frame to send beside channels and confidence."""

    pose: bool = True
    detail: bool = True
    vertices: bool = False
    resume_token_interval_s: float = 0.0
    """Seconds between two resume tokens, at least 0.1; 0 for none. Large ones come less often."""
    detail_map: DetailMapOutputs | None = None
    """Frame.detail_map; None: not wanted."""
    avatar: bool = False
    """Coefficients of the avatar of splats; refused for a character without one."""
    avatar_picture: AvatarPictureOutputs | None = None
    """Frame.avatar_picture; None: not wanted."""


@dataclass(frozen=True)
class LostFace:
    """What becomes of a performer whose face is lost: SessionOptions has these fields too."""

    min_presence: float = SessionOptions.min_presence
    hold_s: float = SessionOptions.hold_s
    decay_s: float = SessionOptions.decay_s
    forget_s: float = SessionOptions.forget_s


@dataclass(frozen=True)
class Settings:
    """What a session runs with; fields as in the proto of the same name."""

    rate_hz: float
    outputs: Outputs
    smoothing: OneEuroConfig | None
    calibration_frames: int
    mailbox_frames: int
    idle_timeout_s: float
    max_message_bytes: int
    max_performers: int
    lost_face: LostFace = field(default_factory=LostFace)


@dataclass(frozen=True)
class Opened:
    """The server's answer to an opening message."""

    session_id: str
    character: str
    package_sha256: str
    channel_names: tuple[str, ...]
    detail_names: tuple[str, ...]
    layout: Layout
    settings: Settings
    resumed: bool = False
    score_names: tuple[str, ...] = ()
    avatar_names: tuple[str, ...] = ()
    """Names of `Frame.avatar`, in order; empty for characters without an avatar."""


@dataclass(frozen=True, eq=False)
class AnimateOpen:
    """Asks for a session of AnimationService."""

    character: str
    layout: Layout
    rate_hz: float = 0.0
    """0: the character's own."""
    outputs: Outputs = field(default_factory=Outputs)
    smoothing: OneEuroConfig | None = None
    neutrals: Mapping[str, Float32Array] = field(default_factory=dict)
    """Performer -> (F,) raw features at rest."""
    calibration_frames: int = 0
    """0: the server's setting."""
    neutral_relative: bool = False
    """Features come with their neutral subtracted: no calibration."""
    lost_face: LostFace | None = None
    """None: the defaults."""
    resume_token: bytes = b""
    """Of the session to continue."""


@dataclass(frozen=True, eq=False)
class PerformerInput:
    """One performer at one moment."""

    id: str
    seen: Observation
    """Features in the session's layout and what else the tracker knows; no features: no face."""


@dataclass(frozen=True, eq=False)
class FrameInput:
    """All performers at one moment."""

    sequence: int
    capture_time_s: float
    performers: tuple[PerformerInput, ...]


@dataclass(frozen=True, eq=False)
class CalibrateInput:
    """New neutrals for performers of an open session."""

    neutrals: Mapping[str, Float32Array]
    """Performer -> (F,) raw features at rest."""
    ids: tuple[str, ...] = ()
    """Performers whose next frames are watched for one."""
    frames: int = 0
    """How many; 0: the session's setting."""


@dataclass(frozen=True)
class CalibrateReply:
    """The neutrals are in force."""

    frames: int
    """How many frames are watched."""


@dataclass(frozen=True, eq=False)
class RigReply:
    """The answer to one frame."""

    sequence: int
    capture_time_s: float
    frames: Mapping[str, Frame]
    """Performer -> Frame, in the order of the request."""
    dropped: int = 0
    """Frames of this stream that newer ones overtook so far."""
    server_time_s: float = 0.0
    """Seconds from arrival at the server to the answer."""
    resume_token: bytes = b""
    vertices: Mapping[str, Float32Array] = field(default_factory=dict)
    """Performer -> (V, 3) metres, rig space, in the rig's vertex order; empty unless asked for."""


@dataclass(frozen=True)
class TrackOutputs:
    """Which parts of a tracked face to send beside id, presence, pose and box."""

    landmarks: bool = True
    scores: bool = True
    features: bool = False


@dataclass(frozen=True, eq=False)
class TrackOpen:
    """Asks for a session of TrackingService."""

    max_faces: int = 1
    track_outputs: TrackOutputs = field(default_factory=TrackOutputs)
    character: str = ""
    """"": tracking alone."""
    rate_hz: float = 0.0
    outputs: Outputs = field(default_factory=Outputs)
    smoothing: OneEuroConfig | None = None
    neutrals: Mapping[str, Float32Array] = field(default_factory=dict)
    calibration_frames: int = 0
    neutral_relative: bool = False
    lost_face: LostFace | None = None
    layout: Layout = field(default_factory=Layout)
    resume_token: bytes = b""


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One encoded image."""

    sequence: int
    capture_time_s: float
    data: bytes
    """A JPEG, PNG or WebP file."""


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """One face in one image, as the server's tracker saw it."""

    face_id: int
    presence: float
    landmarks: Float32Array
    """(478, 3) image pixels; (0, 3) unless asked for."""
    scores: Float32Array
    """(52,) in the order of Opened.score_names; (0,) unless asked for."""
    features: Float32Array
    """(F,) in the session's layout; (0,) unless asked for."""
    head_rotation_xyzw: Float32Array
    """(4,) relative to the viewing camera, y-up axes."""
    head_translation_m: Float32Array
    """(3,) metres, y-up camera axes."""
    box: Float32Array
    """(4,) left, top, right, bottom, pixels."""


@dataclass(frozen=True, eq=False)
class TrackReply:
    """The answer to one image."""

    faces: Sequence[TrackedFace]
    rig: RigReply
    """Performers are faces: ids are the decimal digits of face_id; none without a character."""
    image_size: tuple[int, int]
    """(width, height), pixels."""
