"""The state of a long job on disk, bound to what it is a job on.

File: a line of magic, a line with the SHA-256 of the rest, and the rest as torch writes it.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.runs.random_states import random_states, restore_random_states

__all__ = ["Checkpoint", "plain_state"]

_MAGIC = b"mien checkpoint 3\n"
_DIGEST = 65
"""Bytes of the second line."""


def plain_state(value: Any) -> Any:
    """A copy as a checkpoint holds it: arrays become tensors, tensors contiguous, numpy's numbers
    Python's, tuples and lists stay."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value, order="C"))
    if isinstance(value, torch.Tensor):
        return value.detach().clone(memory_format=torch.contiguous_format)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {name: plain_state(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain_state(item) for item in value)
    return value


@dataclass(frozen=True)
class Checkpoint:
    """One file, replaced as a whole: until the new state is complete, the old one is there."""

    path: Path
    origin: Mapping[str, Any]
    """What the state follows from, by name: configuration, digests of all input."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Write `state` (tensors, arrays, numbers, strings, lists, dicts), with the state of every
        global random generator."""
        buffer = io.BytesIO()
        content = plain_state({"origin": self.origin, "state": state, "random": random_states()})
        torch.save(content, buffer)
        payload = buffer.getvalue()
        digest = sha256(payload).hexdigest().encode()
        write_atomically(self.path, _MAGIC + digest + b"\n" + payload)

    def load(self) -> dict[str, Any] | None:
        """The state, on the CPU; None if there is not a file.

        Raises InputError for a damaged file, and, naming what differs, for one of another origin.
        """
        content = self._read()
        return None if content is None else dict(content["state"])

    def resume(self) -> dict[str, Any] | None:
        """`load`, and every global random generator goes on from where it was then."""
        content = self._read()
        if content is None:
            return None
        restore_random_states(content["random"])
        return dict(content["state"])

    def _read(self) -> dict[str, Any] | None:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as reason:
            raise InputError(f"{self.path}: cannot be read ({reason.strerror})") from None
        if not data.startswith(_MAGIC):
            raise InputError(
                f"{self.path}: not a checkpoint of this version of mien; delete it to start afresh"
            )
        start = len(_MAGIC) + _DIGEST
        payload = data[start:]
        if data[len(_MAGIC) : start] != sha256(payload).hexdigest().encode() + b"\n":
            raise InputError(
                f"{self.path}: damaged, its SHA-256 does not match; delete it to start afresh"
            )
        try:
            content = torch.load(io.BytesIO(payload), weights_only=True, map_location="cpu")
            theirs = dict(content["origin"])
        except (RuntimeError, KeyError, TypeError, EOFError, ValueError, pickle.UnpicklingError):
            raise InputError(
                f"{self.path}: not a checkpoint of this version of mien; delete it to start afresh"
            ) from None
        names = sorted(self.origin.keys() | theirs.keys())
        others = [name for name in names if theirs.get(name) != self.origin.get(name)]
        if others:
            raise InputError(
                f"{self.path} was written with another {' and another '.join(others)}; give "
                "another --out, or delete it to start afresh"
            )
        return dict(content)
