"""`mien verify`: every hash, every model's signature, the mesh's channels."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mien.package import verify_package

__all__ = ["VerifyConfig", "run"]


@dataclass(frozen=True)
class VerifyConfig:
    """Check a character package completely."""

    package: Annotated[Path, tyro.conf.Positional]
    """The character, a .mien file or folder."""
    json: bool = False
    """Print one JSON object on stdout and nothing else there."""


def run(config: VerifyConfig) -> int:
    """Exit status 0 for a sound package, 1 for one with problems, each of them told."""
    report = verify_package(config.package)
    if config.json:
        print(
            json.dumps(
                {
                    "package": str(config.package),
                    "ok": report.ok,
                    "problems": list(report.problems),
                    "checked": list(report.checked),
                }
            )
        )
    elif report.ok:
        print(f"{config.package}: sound ({len(report.checked)} files checked)")
    else:
        for problem in report.problems:
            print(f"mien: {problem}", file=sys.stderr)
    return 0 if report.ok else 1
