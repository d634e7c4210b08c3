"""The networks of a capture in one file, and what they make of a moment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.errors import InputError
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.first_mesh import FirstMeshConfig
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.morphable import FitConfig, LinearHeads
from mien_training.capture.polish import PolishConfig
from mien_training.capture.refinement.linear_step import LinearStep, LinearStepConfig
from mien_training.capture.refinement.refinement import Refinement, RefinementConfig
from mien_training.head import Template
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.runs.content_key import content_digest, topology_digest

__all__ = ["SAME_M", "CaptureNet", "CorrectedSkin"]

SAME_M = 1e-4
"""Of the mean heads of templates that are one, built on machines that round differently."""

_FORMAT = 4
"""Raised whenever the file's fields or the networks' inputs mean something else."""


@dataclass(frozen=True, eq=False)
class CorrectedSkin:
    """Of a moment, K vertices, head space, metres."""

    reading: MomentReading
    """After the linear step."""
    places: NDArray[np.float32]
    """(K, 3)"""
    spread: NDArray[np.float32]
    """(K,) expected distance from the truth."""


@dataclass(frozen=True, eq=False)
class CaptureNet:
    """Of one template."""

    template: Template
    heads: LinearHeads
    """What first meshes are fitted with."""
    correspondence: CorrespondenceNet
    linear: LinearStep
    """What first meshes are corrected by."""
    refinement: Refinement | None = None
    """And after that, by a net over the mesh; None: not at all."""
    first: FirstMeshConfig = field(default_factory=FirstMeshConfig)
    """How images are read and fitted."""
    origin: dict[str, Any] = field(default_factory=dict)
    """How it was trained: plain values, for whoever reads the file."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that results follow from: weights, heads, template, options."""
        return content_digest([self._plain(), self._arrays()])

    def corrected(self, first: MomentReading) -> CorrectedSkin:
        """Of a first mesh."""
        reading = self.linear.applied(first)
        if self.refinement is None:
            chosen = self.linear.chosen.numpy()
            return CorrectedSkin(reading, reading.start[chosen], self.linear.expected_m())
        with torch.no_grad():
            skin, spread = self.refinement(reading)[-1]
        return CorrectedSkin(reading, skin.numpy(), spread.numpy())

    def write(self, path: Path) -> None:
        """Whole or not at all; weights as 16-bit floats."""
        text = json.dumps({**self._plain(), "origin": self.origin})
        write_arrays(path, {"told": np.array(text), **self._arrays()})

    @classmethod
    def read(cls, path: Path, template: Template) -> CaptureNet:
        """Raises InputError, naming file, field and what was expected, for a file that is missing,
        damaged, of another version of mien or of another template."""
        if not path.is_file():
            raise InputError(f"{path}: not there; expected a file of `mien train capture`")
        arrays = read_arrays(path)
        try:
            told = json.loads(arrays["told"].item())
            kind = told["format"]
        except (KeyError, ValueError, AttributeError, TypeError):
            raise InputError(
                f"{path}: field 'told' is missing or damaged: not a capture net"
            ) from None
        if kind != _FORMAT:
            raise InputError(
                f"{path}: field 'format' is {kind}, expected {_FORMAT}: train it again"
            )
        if told.get("topology_sha256") != topology_digest(template):
            raise InputError(
                f"{path}: field 'topology_sha256' is not that of template {template.name!r}: the "
                f"net is of {told.get('template')!r}; give that, or train another net"
            )
        mean = arrays.get("template/vertices", np.empty(0))
        fits = mean.dtype.kind == "f" and mean.shape == template.vertices.shape
        if not fits or not np.abs(mean - template.vertices).max() < SAME_M:
            raise InputError(
                f"{path}: field 'template/vertices' is not the mean head of template "
                f"{template.name!r}: expected another version of it, or train another net"
            )
        try:
            return cls._of(told, arrays, template)
        except (KeyError, TypeError, ValueError, RuntimeError, InputError) as reason:
            raise InputError(f"{path}: damaged ({reason}): train it again") from None

    @classmethod
    def _of(
        cls, told: dict[str, Any], arrays: dict[str, NDArray[Any]], template: Template
    ) -> CaptureNet:
        own = template.shape_deltas[arrays["heads/shapes"]]
        basis = np.concatenate([arrays["heads/basis"].astype(np.float32), own])
        heads = LinearHeads(arrays["heads/mean"], basis, arrays["heads/variances"])
        correspondence = CorrespondenceNet(tuple(told["widths"]), told["deeper"])
        _load(correspondence, "correspondence", arrays)
        refinement = None
        if told["refinement"] is not None:
            spacings = tuple(told["refinement"]["spacings_m"])
            config = RefinementConfig(**{**told["refinement"], "spacings_m": spacings})
            refinement = Refinement(template, correspondence.features, config).eval()
            _load(refinement, "refinement", arrays)
        linear = LinearStep(template, LinearStepConfig(**told["linear"]))
        _load(linear, "linear", arrays)
        first = dict(told["first"])
        first["fit"] = FitConfig(**first["fit"])
        if first["polish"] is not None:
            shrink = tuple(first["polish"]["shrink"])
            first["polish"] = PolishConfig(**{**first["polish"], "shrink": shrink})
        return cls(
            template, heads, correspondence.eval(), linear, refinement,
            FirstMeshConfig(**first), told.get("origin", {}),
        )  # fmt: skip

    def _plain(self) -> dict[str, Any]:
        return {
            "format": _FORMAT, "template": self.template.name,
            "topology_sha256": topology_digest(self.template),
            "widths": list(self.correspondence.unet.widths),
            "deeper": len(self.correspondence.unet.deeper), "first": asdict(self.first),
            "linear": asdict(self.linear.config),
            "refinement": None if self.refinement is None else asdict(self.refinement.config),
        }  # fmt: skip

    def _arrays(self) -> dict[str, NDArray[Any]]:
        people, shapes = _split(self.heads, self.template)
        found: dict[str, NDArray[Any]] = {
            "template/vertices": self.template.vertices, "heads/mean": self.heads.mean,
            "heads/basis": people.astype(np.float16), "heads/shapes": shapes,
            "heads/variances": self.heads.variances,
        }  # fmt: skip
        for name, module in (
            ("correspondence", self.correspondence),
            ("linear", self.linear),
            ("refinement", self.refinement),
        ):
            for key, value in (module.state_dict() if module is not None else {}).items():
                found[f"{name}/{key}"] = value.cpu().numpy().astype(np.float16)
        return found


def _split(heads: LinearHeads, template: Template) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The basis up to the template's own shapes, which end it, and which of them these are: they
    need not be stored twice."""
    last = len(heads.basis)
    shapes: list[int] = []
    while last:
        same = (template.shape_deltas == heads.basis[last - 1]).all((1, 2))
        if not same.any():
            break
        shapes.insert(0, int(same.argmax()))
        last -= 1
    return heads.basis[:last], np.array(shapes, np.int64)


def _load(module: nn.Module, name: str, arrays: dict[str, NDArray[Any]]) -> None:
    state = {
        key.removeprefix(f"{name}/"): torch.from_numpy(value.astype(np.float32))
        for key, value in arrays.items()
        if key.startswith(f"{name}/")
    }
    module.load_state_dict(state)
