"""What a server allows one session, and to all of them together."""

from __future__ import annotations

from dataclasses import dataclass

from mien.budget import Budget
from mien.errors import InputError
from mien.filters import MAX_CALIBRATION_FRAMES
from mien.service.statuses import LimitError

__all__ = ["Limits", "ServerBudgets"]


@dataclass(frozen=True)
class Limits:
    """What a server allows. Every queue and every buffer is bounded by one of these.

    The limits per session multiply by the sessions; those "in all" hold for the whole server.
    """

    max_sessions: int = 64
    """Streams of both services in all; the next is refused (RESOURCE_EXHAUSTED)."""
    max_performers: int = 16
    """Performers in one frame, and performers whose state a session keeps."""
    max_total_performers: int = 256
    """Performers in all sessions; the next is refused (RESOURCE_EXHAUSTED)."""
    max_faces: int = 4
    """Faces that one tracking session may follow."""
    max_calibration_frames: int = 120
    """First frames of a performer that may be searched for a relaxed face; a session that asks for
    more gets this many, and its Opened says so."""
    max_calibration_bytes: int = 134_217_728
    """Frames that are being searched for a relaxed face, in all sessions: 30 of the widest features
    for each of 256 performers; what does not fit is refused (RESOURCE_EXHAUSTED)."""
    mailbox_frames: int = 2
    """Frames that may wait in a session; newer ones push the oldest out."""
    max_message_bytes: int = 262_144
    """Of a message to AnimationService: 16 performers of the widest feature layout."""
    max_image_bytes: int = 4_194_304
    """Of a message to TrackingService: an encoded image and a few bytes around it."""
    max_open_bytes: int = 4_194_304
    """Of an opening message, which may carry a resume token. Larger tokens are not handed out."""
    max_session_bytes: int = 8_388_608
    """Messages of one session that wait or are being answered; newer ones push the oldest out."""
    max_waiting_bytes: int = 134_217_728
    """Likewise, in all sessions; what still does not fit is refused (RESOURCE_EXHAUSTED)."""
    max_image_pixels: int = 16_777_216
    """Of a decoded image, width times height."""
    max_decoded_bytes: int = 268_435_456
    """Images that are decoded at one time, in all sessions; the next is refused."""
    max_package_bytes: int = 4_294_967_296
    """Package files of all characters that are served."""
    max_calls: int = 1024
    """Calls of every kind in all, those included whose session ended while the client did not
    read its last answers; the next is refused (RESOURCE_EXHAUSTED)."""
    max_detail_map_side: int = 512
    """Texels of a side of the skin's maps that a session may ask for."""
    max_detail_map_bytes: int = 2_097_152
    """Maps of the skin in one answer; performers beyond that come without. Clients take messages
    of 4 MiB unless told otherwise."""
    max_detail_map_bytes_per_s: int = 16_777_216
    """Maps of the skin that a session may ask for in a second, and ever gets."""
    max_rate_hz: float = 240.0
    """The highest frame rate that a session may ask for."""
    open_timeout_s: float = 10.0
    """How long a new stream may stay silent."""
    idle_timeout_s: float = 60.0
    """How long an open session may send nothing, or leave an answer unread."""
    max_connection_age_s: float = 7200.0
    """After this time, give or take a tenth, a connection takes no further call. A call whose
    client reads nothing can be ended in no other way."""
    connection_grace_s: float = 3600.0
    """How long its open calls may then go on; those still open end as UNAVAILABLE."""

    def __post_init__(self) -> None:
        """Raises InputError for a limit that is not above 0 or contradicts another."""
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise InputError(f"limit {name} is {value}, expected a finite number above 0")
        if self.max_calibration_frames > MAX_CALIBRATION_FRAMES:
            raise InputError(
                f"limit max_calibration_frames is {self.max_calibration_frames}, expected at most "
                f"{MAX_CALIBRATION_FRAMES}"
            )
        if self.max_open_bytes <= self.max_message_bytes:
            raise InputError(
                f"limit max_open_bytes is {self.max_open_bytes}, expected more than "
                f"max_message_bytes, {self.max_message_bytes}"
            )
        if self.max_session_bytes < max(self.max_image_bytes, self.max_message_bytes):
            raise InputError(
                f"limit max_session_bytes is {self.max_session_bytes}: one message may have "
                f"{max(self.max_image_bytes, self.max_message_bytes)}"
            )


class ServerBudgets:
    """What all sessions of one server share; charged before anything is kept or allocated."""

    def __init__(self, limits: Limits) -> None:
        def budget(limit: int, unit: str) -> Budget:
            return Budget(limit, unit, "server", LimitError)

        self.sessions = budget(limits.max_sessions, "sessions")
        self.performers = budget(limits.max_total_performers, "performers")
        self.calibration_bytes = budget(limits.max_calibration_bytes, "bytes of calibration frames")
        self.waiting_bytes = budget(limits.max_waiting_bytes, "bytes of waiting messages")
        self.decoded_bytes = budget(limits.max_decoded_bytes, "bytes of decoded images")
