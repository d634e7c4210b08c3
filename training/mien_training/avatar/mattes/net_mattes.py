"""Mattes of a net: for films whose camera or background moves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.onnx_session import open_session
from mien_training.avatar.mattes.matting_onnx import FORMAT
from mien_training.avatar.mattes.mesh_hints import HINTS, head_height, hints
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["MattingModel", "NetMattes", "default_matting", "net_mattes"]

Float32Array = NDArray[np.float32]
_LARGEST = 288
"""Side, in pixels, above which images are made smaller for the net: it has learnt hair of up to
some 160 pixels of head."""
_DOUBTFUL = 0.12
"""Expected error of alpha from which on nothing is claimed."""


@dataclass(frozen=True, eq=False)
class NetMattes:
    """Of T frames."""

    alpha: NDArray[np.uint8]
    """(T, S, S) coverage, 255 is all."""
    known: NDArray[np.bool_]
    """(T, S, S) where coverage is claimed."""


class MattingModel:
    """A net of `mien train mattes`, ready to run."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises InputError, naming the file, for one that is missing, damaged or foreign."""
        try:
            data = Path(path).read_bytes()
        except OSError as reason:
            raise InputError(f"{path}: cannot be read ({reason.strerror})") from None
        self._session = open_session(data, str(path))
        told = self._session.get_modelmeta().custom_metadata_map
        if told.get("format") != FORMAT:
            raise InputError(f"{path}: not a matting net of this version")
        self._multiple = int(told["multiple"])
        self.size_bytes = len(data)

    def __call__(self, told: Float32Array) -> Float32Array:
        """Alpha and doubt (2, H, W) of hints (HINTS, H, W), of any size."""
        if told.ndim != 3 or len(told) != HINTS:
            raise InputError(f"MattingModel: hints {told.shape}, expected ({HINTS}, H, W)")
        height, width = told.shape[1:]
        more = [(0, 0), *((0, -n % self._multiple) for n in (height, width))]
        whole = np.pad(told, more, mode="edge")[None]
        (found,) = self._session.run(["matte"], {"hints": whole})
        return np.asarray(found[0, :, :height, :width], np.float32)


def net_mattes(
    images: NDArray[np.uint8], covered: NDArray[np.bool_], model: MattingModel | None = None,
    report: Report = silent,
) -> NetMattes:  # fmt: skip
    """Of images (T, S, S, 3) and what the mesh covers of them (T, S, S); the net that comes with
    mien if left out."""
    model = default_matting() if model is None else model
    height = head_height(covered)
    alpha = np.empty(covered.shape, np.uint8)
    known = np.empty(covered.shape, np.bool_)
    for t, (image, mask) in enumerate(zip(images, covered, strict=True)):
        found = _matte(model, image, mask, height)
        alpha[t] = np.rint(255 * found[0])
        known[t] = found[1] < _DOUBTFUL
        report(Progress("telling hair from background", t + 1, len(images)))
    return NetMattes(alpha, known)


def _matte(
    model: MattingModel, image: NDArray[np.uint8], covered: NDArray[np.bool_], height_px: float
) -> Float32Array:
    """Alpha and doubt (2, S, S), 0..1."""
    side = len(image)
    if side <= _LARGEST:
        return model(hints(image, covered, height_px)).clip(0, 1)
    box = Image.Resampling.BOX
    small = Image.fromarray(image).resize((_LARGEST, _LARGEST), box)
    mask = Image.fromarray(covered.astype(np.uint8) * 255).resize((_LARGEST, _LARGEST), box)
    told = hints(np.asarray(small), np.asarray(mask) > 127, height_px * _LARGEST / side)
    large = [
        np.asarray(Image.fromarray(plane).resize((side, side), Image.Resampling.BILINEAR))
        for plane in model(told)
    ]
    return np.stack(large).clip(0, 1)


@cache
def default_matting() -> MattingModel:
    """The net that comes with mien: `mien train mattes` with its defaults."""
    return MattingModel(Path(str(files("mien_training.avatar.mattes") / "default_matting.onnx")))
