"""`mien drive`: a video, camera or recorded clip drives a character; animation files come out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import mien
from mien.clip import CLIP_SUFFIXES
from mien.commands.live_status import LiveStatus
from mien.commands.source_options import SourceOptions
from mien.driving import Drive
from mien.errors import InputError
from mien.frame import Frame
from mien.interruption import sigterm_interrupts
from mien.recording import check_avatar_previews, record
from mien.take import check_takes
from mien.video import is_camera

__all__ = ["DriveConfig", "run"]


@dataclass(frozen=True, kw_only=True)
class DriveConfig(SourceOptions):
    """Drive a character with a video, image folder, camera, or a recorded clip.

    Ctrl-C ends it; what was recorded until then is saved.
    """

    package: Annotated[Path, tyro.conf.Positional]
    """The character, a .mien file or folder."""
    source: Annotated[str, tyro.conf.Positional]
    """Video file, image folder, image, camera:N, or a clip (.csv, .npz)."""
    out: tuple[Path, ...] = ()
    """Files to write, by suffix: .csv, .npz, .glb, .mp4 and .gif (previews), .png (contact
    sheet). A camera can also drive without one."""
    avatar: bool = False
    """Show the photoreal avatar in previews, in place of the mesh; needs the extra `avatar`. What
    is written says that it is synthetic."""
    server: str | None = None
    """Stream through this server (host:port) instead of running the character here."""
    token_file: Path | None = None
    """File with the server's bearer token."""
    server_ca: Path | None = None
    """PEM file of the authority that signed the server's certificate; turns TLS on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out or not is_camera(self.source):
            check_takes(self.out)
        if self.server is None and (self.token_file or self.server_ca):
            raise InputError("--token-file and --server-ca go with --server")
        if self.server is not None and self.from_clip:
            raise InputError(f"--server drives from video, {self.source!r} is a clip")

    @property
    def from_clip(self) -> bool:
        """Whether the source is a recorded clip."""
        return Path(self.source).suffix.lower() in CLIP_SUFFIXES


def run(config: DriveConfig) -> int:
    """Track (or read the clip), drive, write every file."""
    character = mien.load(config.package, providers=config.device)
    if config.avatar:
        check_avatar_previews(character, config.out)
    with sigterm_interrupts(), LiveStatus(f"driving {character.name}") as status:

        def show(drive: Drive, frame: Frame) -> None:
            status.frame(drive.latency_s, frame.confidence)

        with _driven(config, character, status) as drive:
            recording = record(character, drive, config.out, show, config.avatar)
    report = {
        "character": character.name,
        "source": config.source,
        "frames": recording.frames,
        **(recording.statistics.report() if not config.from_clip else {"tracked": None}),
        "contradicted": recording.contradicted,
        "interrupted": recording.interrupted,
        "out": [str(path) for path in recording.written],
        "not_written": [str(path) for path in recording.not_written],
    }
    print(json.dumps(report) if config.json else f"{character.name}: {recording}")
    stopped = recording.interrupted and not is_camera(config.source)
    return 1 if stopped or recording.not_written else 0


@contextmanager
def _driven(config: DriveConfig, character: mien.Character, status: LiveStatus) -> Iterator[Drive]:
    """The character's frames, computed here or by a server that has a character of this name."""
    if config.from_clip:
        yield character.drive(config.source, limit=config.limit)
        return
    source = config.open(config.source, status.image)
    status.total = source.count
    if config.server is None:
        yield character.drive(source)
        return
    from mien.service.client import Tls, connect
    from mien.service.security import read_token

    token = None if config.token_file is None else read_token(config.token_file)
    tls = None if config.server_ca is None else Tls(config.server_ca)
    # Before the session opens: looking through a long file may take longer than a server waits.
    neutral = source.neutral(character.layout) if source.from_file else None
    with (
        connect(config.server, token, tls) as client,
        client.session(character.name, layout=character.layout) as session,
    ):
        yield character.drive(source, neutral=neutral, performer=session)
