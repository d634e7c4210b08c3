"""Structure-aware damage: seeded mutants of a package, a GLB, a resume token, and what reads them.

Every mutant follows from (kind, seed). Damage happens inside the structures: JSON fields, chunk
lengths, zip records, protobuf fields, PNG chunks; hashes and checksums are corrected afterwards, so
that it reaches what lies behind them.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

import mien
from mien.blended_map import height_codes
from mien.errors import MienError
from mien.glb import read_rig, read_weights_animation
from mien.package import read_package, verify_package
from mien.service.resume_token import unpack_token
from support.mutants.details import mutant_detail
from support.mutants.glbs import mutant_glb
from support.mutants.packages import mutant_package
from support.mutants.tokens import LAYOUT, SHA256, mutant_token, new_session

__all__ = ["KINDS", "mutant", "read_mutant"]

_MAKERS = {
    "glb": mutant_glb,
    "package": mutant_package,
    "token": mutant_token,
    "detail": mutant_detail,
}
KINDS = tuple(_MAKERS)


def mutant(kind: str, seed: int) -> bytes:
    """The mutant of that kind and seed."""
    rng = random.Random(f"{kind} {seed}")
    return _MAKERS[kind](rng)


def read_mutant(kind: str, data: bytes) -> bool:
    """Read it with everything that reads such input; whether all of it was accepted.

    Any exception that is not a MienError gets through: that is the fault being looked for.
    """
    if kind == "package":
        report = verify_package(data)
        return _tries(lambda: _use_package(data)) and report.ok
    if kind == "detail":
        report = verify_package(data)
        return _tries(lambda: _use_detail(data)) and report.ok
    if kind == "token":
        return _tries(lambda: _use_token(data))
    accepted = [_tries(lambda: read_rig(data)), _tries(lambda: read_weights_animation(data))]
    return all(accepted)


def _tries(read: Any) -> bool:
    try:
        read()
    except MienError as error:
        assert len(str(error)) < 10_000, "a message of that length is no message"
        return False
    return True


def _use_package(data: bytes) -> None:
    package = read_package(data)
    package.rig()
    for name in package.manifest.files:
        package.read_bytes(name)


def _use_detail(data: bytes) -> None:
    character = mien.load(data)
    frame = character.session().step(None, 0.0)
    if character.detail_names:
        maps = character.detail_maps(64)
        maps.displacement(frame.detail)
        height_codes(maps.static, *maps.span_m)
        character.detail_normals(64).codes(frame.detail)


def _use_token(data: bytes) -> None:
    for state in unpack_token(data, SHA256).values():
        session = new_session()
        session.restore(state)
        session.step(np.zeros(LAYOUT.size, np.float32), 10.0)
