"""The numbers of a trained animator as plain arrays: what training hands over to exporters.

    p = (x - mean) @ projection            whitened features
    e = tanh(p @ embed_w.T + embed_b)
    h, c = LSTM(e, h, c)                   one layer; gates in torch's order: i, f, cell, o
    channels = clip([h, e] @ out_w.T + p @ skip_w.T + out_b, 0, 1)

A clipped linear output is used and no sigmoid because most blendshape weights of a performance are
exactly 0 most of the time, which a sigmoid never reaches.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.errors import ChannelError, InputError

__all__ = ["AnimatorWeights"]

Float32Array = NDArray[np.float32]

_NAMES = "names.json"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same arrays give the same bytes on every day


@dataclass(frozen=True, eq=False)
class AnimatorWeights:
    """F features, P whitened components, E embedding, H hidden units, C channels; float32.

    Raises InputError for arrays that do not fit together or are not finite, ChannelError for names
    that are duplicate or too few.
    """

    mean: Float32Array
    """(F,) mean of the features in training."""
    projection: Float32Array
    """(F, P) whitening: standardisation and principal components in one matrix."""
    embed_w: Float32Array
    """(E, P)"""
    embed_b: Float32Array
    """(E,)"""
    lstm_w_ih: Float32Array
    """(4H, E)"""
    lstm_w_hh: Float32Array
    """(4H, H)"""
    lstm_b_ih: Float32Array
    """(4H,)"""
    lstm_b_hh: Float32Array
    """(4H,)"""
    out_w: Float32Array
    """(C, H + E): the first H columns read the hidden state, the rest skip the recurrence."""
    skip_w: Float32Array
    """(C, P): the linear part, straight from the whitened features."""
    out_b: Float32Array
    """(C,)"""
    channel_names: tuple[str, ...]
    """C names of the outputs."""
    groups: tuple[tuple[str, int], ...]
    """Feature groups of the input in order, each with its size; the last is ("dt", 1)."""

    def __post_init__(self) -> None:
        for name in _array_names():
            array = getattr(self, name)
            if array.dtype != np.float32:
                raise InputError(f"animator weights: {name} is {array.dtype}, expected float32")
            if not np.isfinite(array).all():
                raise InputError(f"animator weights: {name} holds values that are not finite")
        for name in ("projection", "embed_b", "lstm_b_ih"):  # the sizes are read off these
            array, ndim = getattr(self, name), 2 if name == "projection" else 1
            if array.ndim != ndim:
                raise InputError(
                    f"animator weights: {name} has shape {array.shape}, expected {ndim} axes"
                )
        f, p = self.projection.shape
        e, h, c = len(self.embed_b), len(self.lstm_b_ih) // 4, len(self.channel_names)
        expected = {
            "mean": (f,),
            "projection": (f, p),
            "embed_w": (e, p),
            "embed_b": (e,),
            "lstm_w_ih": (4 * h, e),
            "lstm_w_hh": (4 * h, h),
            "lstm_b_ih": (4 * h,),
            "lstm_b_hh": (4 * h,),
            "out_w": (c, h + e),
            "skip_w": (c, p),
            "out_b": (c,),
        }
        for name, shape in expected.items():
            found = getattr(self, name).shape
            if found != shape or 0 in found:
                raise InputError(f"animator weights: {name} has shape {found}, expected {shape}")
        if len(set(self.channel_names)) != c:
            raise ChannelError("animator weights: channel names are not unique")
        if sum(size for _, size in self.groups) != f:
            raise ChannelError(
                f"animator weights: groups {self.groups} do not add up to the {f} features"
            )

    @property
    def feature_size(self) -> int:
        """F, the time step included."""
        return len(self.mean)

    @property
    def hidden_size(self) -> int:
        """H."""
        return len(self.lstm_b_ih) // 4

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write a .npz file, whole or not at all; the same weights give the same bytes."""
        names = json.dumps({"channel_names": self.channel_names, "groups": self.groups})
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(_NAMES, _ZIP_DATE), names)
            for name in _array_names():
                entry = io.BytesIO()
                np.lib.format.write_array(
                    entry, np.ascontiguousarray(getattr(self, name)), allow_pickle=False
                )
                archive.writestr(zipfile.ZipInfo(f"{name}.npy", _ZIP_DATE), entry.getvalue())
        return write_atomically(path, buffer.getvalue())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> AnimatorWeights:
        """Read a file of `write`. Raises InputError, naming the file."""
        try:
            with zipfile.ZipFile(path) as archive:
                names = json.loads(archive.read(_NAMES))
                arrays: dict[str, Any] = {
                    name: np.lib.format.read_array(
                        io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False
                    )
                    for name in _array_names()
                }
            return cls(
                **arrays,
                channel_names=tuple(map(str, names["channel_names"])),
                groups=tuple((str(name), int(size)) for name, size in names["groups"]),
            )
        except InputError as error:
            raise type(error)(f"{path}: {error}") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError) as error:
            raise InputError(f"{path}: not the weights of an animator ({error})") from None


def _array_names() -> list[str]:
    return [f.name for f in fields(AnimatorWeights) if f.name not in ("channel_names", "groups")]
