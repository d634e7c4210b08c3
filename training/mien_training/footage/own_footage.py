"""The footage that a rig was fitted to, found again where the run was told that it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.errors import InputError
from mien.strict_json import Fields, parse_strict
from mien_training.footage.performance_file import read_performance
from mien_training.footage.rig_performance import RigPerformance
from mien_training.runs.content_key import file_digest

__all__ = ["OwnFootage", "own_footage"]

_CONFIG = "config.json"


@dataclass(frozen=True, eq=False)
class OwnFootage:
    """What a rig was fitted to."""

    performance: RigPerformance
    sources: tuple[Path, ...]
    """The file of each of its cameras."""


def own_footage(rig: Path, or_else: str = "") -> OwnFootage:
    """The performance in a rig run's folder, and where the run was told that the footage lies.

    Raises InputError, with a remedy, for a performance that cannot be read, and for a file that is
    gone or has changed since, naming it; `or_else` ends the message with what else might be done.
    """
    try:
        performance = read_performance(rig)
    except InputError as reason:
        raise InputError(f"{reason}{or_else}") from None
    named = {path.name: path for path in _told_sources(rig / _CONFIG)}
    found = []
    for camera in performance.cameras:
        path = named.get(camera.source)
        if path is None:
            raise InputError(
                f"{rig / _CONFIG}: field 'sources' lacks {camera.source!r}, to which the rig was "
                f"fitted: fit the rig again{or_else}"
            )
        if not path.exists():
            raise InputError(
                f"{path}: not there any more, and the rig {rig} was fitted to it: call from the "
                f"folder in which the rig was fitted{or_else}"
            )
        if file_digest(path) != camera.sha256:
            raise InputError(
                f"{path}: changed since the rig {rig} was fitted to it: fit the rig again{or_else}"
            )
        found.append(path)
    return OwnFootage(performance, tuple(found))


def _told_sources(config: Path) -> list[Path]:
    try:
        data = config.read_bytes()
    except OSError as reason:
        raise InputError(f"{config}: cannot be read ({reason.strerror})") from None
    fields = Fields(parse_strict(data, str(config), InputError), str(config), InputError)
    return [Path(source) for source in fields.texts("sources")]
