"""The networks that `mien capture` is called with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.errors import InputError
from mien_training.capture.capture_net import SAME_M, CaptureNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.capture.moment_result import HeadPredictor
from mien_training.capture.polish import PolishConfig
from mien_training.capture.predict_moment import NetPredictor
from mien_training.head import Template
from mien_training.runs.content_key import topology_digest

__all__ = ["checked_predictor", "load_predictor"]


def load_predictor(net: Path | None, template: Template, polish: bool = False) -> HeadPredictor:
    """Of a file of networks; None: those that come with mien. polish: meshes by the pictures, too.

    Raises InputError, naming file and field, for one of another template or version.
    """
    found = CaptureNet.read(net or DEFAULT_NET, template)
    return NetPredictor(found, PolishConfig() if polish else None)


def checked_predictor(predictor: HeadPredictor, template: Template) -> HeadPredictor:
    """Raises InputError, naming both, for a predictor of another template."""
    theirs = predictor.template
    alike = theirs.name == template.name and topology_digest(theirs) == topology_digest(template)
    if not alike or np.abs(theirs.vertices - template.vertices).max() > SAME_M:
        raise InputError(
            f"--net: of template {theirs.name!r} with {len(theirs.vertices)} vertices, expected "
            f"one of --template {template.name!r}, which has {len(template.vertices)}, of the same "
            "content"
        )
    return predictor
