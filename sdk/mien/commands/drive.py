"""`mien drive`: a video (or a recorded clip) drives a character; animation files come out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import mien
from mien.clip import Clip
from mien.driving import SeenFrame, drive, drive_with_clip, neutral_of, watch
from mien.errors import InputError
from mien.session import Frame
from mien.take import Take, check_takes, write_take

__all__ = ["DriveConfig", "run"]


@dataclass(frozen=True)
class DriveConfig:
    """Drive a character with a video, image folder, camera, or a recorded clip."""

    package: Annotated[Path, tyro.conf.Positional]
    """The character, a .mien file or folder."""
    source: Annotated[str, tyro.conf.Positional]
    """Video file, image folder, image, camera:N, or a clip (.csv, .npz)."""
    out: tuple[Path, ...]
    """Files to write, by suffix: .csv, .npz, .glb, .mp4 (preview), .png (contact sheet)."""
    server: str | None = None
    """Stream through this server (host:port) instead of running the character here."""
    token_file: Path | None = None
    """File with the server's bearer token."""
    server_ca: Path | None = None
    """PEM file of the authority that signed the server's certificate; turns TLS on."""
    limit: int | None = None
    """Stop after this many frames."""
    json: bool = False
    """Print one JSON object on stdout and nothing else there."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise InputError(f"--limit is {self.limit}, expected 1 or more")


def run(config: DriveConfig) -> int:
    """Track (or read the clip), drive, write every file."""
    check_takes(config.out)
    if config.server is None and (config.token_file or config.server_ca):
        raise InputError("--token-file and --server-ca go with --server")
    character = mien.load(config.package)
    seen: list[SeenFrame] = []
    if Path(config.source).suffix.lower() in (".csv", ".npz"):
        if config.server is not None:
            raise InputError(f"--server drives from video, {config.source!r} is a clip")
        clip = Clip.read(Path(config.source))
        frames = drive_with_clip(character, clip)[: config.limit]
    else:
        seen = list(watch(config.source, limit=config.limit))
        frames = (
            drive(character, seen)
            if config.server is None
            else _drive_remotely(config, character, seen)
        )
    take = Take(
        character=character,
        frames=frames,
        landmarks=tuple(s.track.landmarks if s.track else None for s in seen),
        image_size=seen[0].image_size if seen else (0, 0),
        source=config.source,
    )
    for path in config.out:
        write_take(path, take)
    tracked = sum(s.track is not None for s in seen)
    report = {
        "character": character.name,
        "source": config.source,
        "frames": len(frames),
        "tracked": tracked if seen else None,
        "out": [str(path) for path in config.out],
    }
    if config.json:
        print(json.dumps(report))
    else:
        print(f"{character.name}: {len(frames)} frames -> {', '.join(map(str, config.out))}")
    return 0


def _drive_remotely(
    config: DriveConfig, character: mien.Character, seen: list[SeenFrame]
) -> tuple[Frame, ...]:
    """The same frames, computed by a server that knows a character of this name."""
    from mien.service.client import drive_stream

    assert config.server is not None
    neutral = neutral_of([frame.track for frame in seen], character.layout)
    return drive_stream(
        config.server,
        character.name,
        [(frame.track, frame.time_s) for frame in seen],
        layout=character.layout,
        neutral=neutral,
        token_file=config.token_file,
        server_ca=config.server_ca,
    )
