"""Synthetic people as the fit sees them, with the truth: what the skin encoder learns from.

Light, camera, expression, resolution and errors of pose are random; the light is estimated, not
told, and the linear fit is made, as on real images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.deform import blend
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.detail.basis.detail_basis import DetailBasis
from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.detail.fit.observed_skin import observe_skin
from mien_training.detail.fit.photometric_detail import (
    PhotometricNoise,
    ShadingEvidence,
    fit_detail,
    shading_evidence,
)
from mien_training.detail.fit.skin_light import estimate_light
from mien_training.detail.region_tension import RegionTension, gate_images
from mien_training.detail.wrinkle_network import random_expressions
from mien_training.head import Template
from mien_training.head.strong_expressions import full_on
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.synthetic.relief.wrinkled_person import WrinkledPerson
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template

__all__ = ["SkinSample", "draw_sample"]

Float32Array = NDArray[np.float32]
_SIDES = (384, 512, 768, 1024)
"""Of images, pixels; the face fills most of one."""
_TURN = (0.3, 0.15, 0.05)
"""Spread of yaw, pitch and roll, radians."""
_MISPLACED_M = 0.0004
"""Largest spread of a pose's error, metres: half a texel."""
_WEIGHT_ERROR = 0.15
"""Largest spread of the weights' errors."""
_MM = 1000.0


@dataclass(frozen=True, eq=False)
class SkinSample:
    """One person in E images; 16-bit floats, for there are thousands."""

    observed: NDArray[np.float16]
    """(E, S, S) as in ShadingEvidence, like the two below."""
    known: NDArray[np.float16]
    """(E, S, S)"""
    response: NDArray[np.float16]
    """(E, 2, S, S)"""
    press: NDArray[np.float16]
    """(E, S, S) compression, 0..1, as tracked."""
    pull: NDArray[np.float16]
    """(E, S, S) stretch."""
    chosen: NDArray[np.bool_]
    """(F, E) the images of each fit."""
    fits_mm: NDArray[np.float16]
    """(F, 3, S, S) heights of the linear fit."""
    truth_mm: NDArray[np.float16]
    """(3, S, S) static, compressed, stretched."""

    def write(self, path: Path) -> None:
        """All or nothing."""
        write_arrays(path, {name: getattr(self, name) for name in self.__dataclass_fields__})

    @classmethod
    def read(cls, path: Path) -> SkinSample:
        """Raises InputError for a damaged file."""
        arrays = read_arrays(path)
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def mirrored(self) -> SkinSample:
        """The mirror image of person and images."""
        flipped = {n: getattr(self, n)[..., ::-1] for n in self.__dataclass_fields__}
        flipped["chosen"] = self.chosen
        flipped["response"] = flipped["response"] * np.array([-1, 1], np.float16)[:, None, None]
        return SkinSample(**flipped)

    def evidence(self, fit: int) -> tuple[ShadingEvidence, Tensor, Tensor]:
        """What the images of one fit show, and their compression and stretch (E, S, S)."""
        rows = self.chosen[fit]
        observed, known, response, press, pull = (
            torch.from_numpy(np.ascontiguousarray(a[rows], np.float32))
            for a in (self.observed, self.known, self.response, self.press, self.pull)
        )
        return ShadingEvidence(observed, known, response), press, pull


def draw_sample(seed: int, images: int, basis: DetailBasis, age: float | None = None) -> SkinSample:
    """Person `seed` in `images` images, fitted to all of them and to a random choice of few."""
    side = basis.size
    rng = np.random.default_rng((seed, 59))
    someone = WrinkledPerson.make(_template(), seed, age, 512)
    rig, source = someone.person.rig, someone.person.source
    rows = random_expressions(full_on(rig), images, seed)
    if rng.random() < 0.5:
        rows[0] = 0
    scene = RandomScene(seed, size=int(rng.choice(_SIDES)))
    frames = someone.photograph(rows, rng.normal(0, _TURN, (images, 3)), scene)
    placed = frames.vertices + rng.normal(0, rng.uniform(0, _MISPLACED_M), (images, 1, 3))
    skin = observe_skin(
        torch.from_numpy(frames.images), torch.from_numpy(placed.astype(np.float32)),
        CameraBatch.of([frames.camera]), torch.zeros(images, dtype=torch.long), someone.atlas, side,
    )  # fmt: skip
    seen = shading_evidence(skin, estimate_light(skin), side, PhotometricNoise().spots_px)
    wrong = rng.normal(0, rng.uniform(0, _WEIGHT_ERROR), rows.shape) * (rows > 0)
    shaped = blend(rig, (rows + wrong).clip(0, 1).astype(np.float32))
    gates = RegionTension.of(rig, someone.atlas.places[source]).gates
    first = np.unique(source, return_index=True)[1]
    both = gate_images(gates, shaped, someone.atlas.texels(side), first)
    press, pull = (torch.from_numpy(gate) for gate in both)
    chosen = np.ones((2, images), bool)
    few = rng.permutation(images)[int(rng.integers(1, images)) :]
    chosen[1, few] = False
    model = DetailModel(basis)
    fits = []
    for pick in torch.from_numpy(chosen):
        some = ShadingEvidence(seen.observed[pick], seen.known[pick], seen.response[pick])
        fits.append(fit_detail(some, press[pick], pull[pick], model).heights)
    half = np.float16
    return SkinSample(
        seen.observed.numpy().astype(half), seen.known.numpy().astype(half),
        seen.response.numpy().astype(half), press.numpy().astype(half), pull.numpy().astype(half),
        chosen, (_MM * torch.stack(fits)).numpy().astype(half),
        (_MM * someone.maps(side)).astype(half),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _template() -> Template:
    return load_template("anny")
