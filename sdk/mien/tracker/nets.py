"""The three ONNX nets, as functions from arrays to arrays. One thread unless told otherwise."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.onnx_session import Providers, open_session, provider_names
from mien.tracker.landmark_sets import BLENDSHAPE_POINTS

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["FaceNet", "TrackerNets", "load_nets"]

CROP = 256
"""Side of the landmark net's input, pixels."""


@dataclass(frozen=True, eq=False)
class FaceNet:
    """The landmark net's answer about one crop."""

    landmarks: NDArray[np.float32]
    """(478, 3) crop pixels."""
    presence: float
    """0 to 1."""
    deep: NDArray[np.float32]
    """(512,)"""
    deep_map: NDArray[np.float32]
    """(2048,)"""


class TrackerNets:
    """The nets of one folder of models; the ones that ship with mien when none is given.

    Thread-safe: ONNX Runtime sessions hold no state between calls. Raises InputError when a file
    is missing or is not the one that the folder's models.json names.
    """

    def __init__(
        self, models: Path | None = None, threads: int = 1, providers: Providers = None
    ) -> None:
        folder = Path(str(files("mien.tracker") / "models")) if models is None else models
        index = _read_index(folder)

        def net(name: str, blocked_layout: bool = True) -> onnxruntime.InferenceSession:
            data = _read_net(folder, name, index)
            return open_session(data, str(folder / name), providers, threads, blocked_layout)

        self._detector = net("face_detector.onnx")
        self._landmarks = net("face_landmarks.onnx")
        # This net is too small for the blocked layout: reordering would cost more than it saves.
        self._scores = net("face_scores.onnx", blocked_layout=False)

    def detect(self, views: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(B, 128, 128, 3) RGB in [-1, 1] -> boxes (B, 896, 16) and logits (B, 896), raw."""
        boxes, logits = self._detector.run(["boxes", "logits"], {"image": views})
        return boxes, logits

    def find_landmarks(self, crops: NDArray[np.float32]) -> list[FaceNet]:
        """(B, 256, 256, 3) RGB crops in [0, 1] -> landmarks, presence and features of each."""
        landmarks, logits, deep, deep_map = self._landmarks.run(
            ["landmarks", "presence_logit", "deep", "deep_map"],
            {"image": crops},
        )
        presence = 1.0 / (1.0 + np.exp(-logits[:, 0].astype(np.float64)))
        return [
            FaceNet(landmarks[i], float(presence[i]), deep[i], deep_map[i])
            for i in range(len(crops))
        ]

    def score(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, 478, 2+) upright landmarks in any unit -> scores (B, 52).

        The net takes out place and size itself, but not the head's roll.
        """
        points = np.ascontiguousarray(landmarks[:, BLENDSHAPE_POINTS, :2], np.float32)
        scores: NDArray[np.float32] = self._scores.run(["scores"], {"points": points})[0]
        return scores


def load_nets(
    models: Path | None = None, threads: int = 1, providers: Providers = None
) -> TrackerNets:
    """The nets of a folder, loaded once per process: all its trackers share them."""
    return _load_nets(models, threads, provider_names(providers))


@cache
def _load_nets(models: Path | None, threads: int, providers: tuple[str, ...]) -> TrackerNets:
    return TrackerNets(models, threads, providers)


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / "models.json"
    try:
        index: dict[str, Any] = json.loads(path.read_text("utf-8"))["files"]
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); expected a folder that"
            " `mien export tracker` wrote"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not an index that `mien export tracker` wrote") from error
    return index


def _read_net(folder: Path, name: str, index: dict[str, Any]) -> bytes:
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise InputError(f"{folder / name}: cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != index.get(name, {}).get("sha256"):
        raise InputError(f"{folder / name}: altered, its sha256 is not the one in models.json")
    return data
