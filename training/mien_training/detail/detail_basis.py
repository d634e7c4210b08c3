"""Linear spaces of skin detail on the face atlas: heights = mean + sum_d c_d mode_d, c_d ~ N(0, 1).

Three of them (HiFace, Chai et al. 2023, equations 3 to 5): what a face shows at rest, what full
compression adds, what full stretch adds. Modes are principal components of many people's maps and
of their mirror images, each of one standard deviation.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.runs.cache import read_cached

__all__ = ["PARTS", "DetailBasis", "PartBasis", "default_basis", "principal_components"]

Float32Array = NDArray[np.float32]

PARTS = ("static", "compressed", "stretched")
"""At rest; added by full compression; added by full stretch."""
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class PartBasis:
    """One space, at the N texels of its basis."""

    mean: Float32Array
    """(N,) metres."""
    modes: Float32Array
    """(D, N) metres, of one standard deviation each, the largest first."""
    rest: Float32Array
    """(N,) standard deviation of what the modes leave out, metres."""

    def heights(self, coefficients: NDArray[np.floating]) -> Float32Array:
        """(..., N) metres of coefficients (..., D)."""
        return np.asarray(self.mean + coefficients @ self.modes, np.float32)

    def coefficients(self, heights: NDArray[np.floating]) -> Float32Array:
        """(..., D) nearest to heights (..., N), unregularised; the inverse of `heights`."""
        size = (self.modes**2).sum(1)
        return np.asarray((heights - self.mean) @ self.modes.T / size, np.float32)


@dataclass(frozen=True, eq=False)
class DetailBasis:
    """All three, on one set of texels."""

    size: int
    """Side of the atlas, texels."""
    texel: NDArray[np.int32]
    """(N,) indices into the flattened atlas where anybody has detail."""
    parts: tuple[PartBasis, PartBasis, PartBasis]
    """In the order of PARTS."""

    def image(self, heights: NDArray[np.floating]) -> Float32Array:
        """(..., size, size) metres of heights (..., N); 0 elsewhere."""
        flat = np.zeros((*heights.shape[:-1], self.size * self.size), np.float32)
        flat[..., self.texel] = heights
        return flat.reshape(*heights.shape[:-1], self.size, self.size)

    def save(self, path: str | os.PathLike[str]) -> None:
        """One .npz: 8 bits a value, in steps of each mode's largest over 127."""
        arrays: dict[str, NDArray[np.generic]] = {
            "format": np.array(_FORMAT), "size": np.array(self.size), "texel": self.texel,
        }  # fmt: skip
        for name, part in zip(PARTS, self.parts, strict=True):
            for field in ("mean", "modes", "rest"):
                values = np.atleast_2d(getattr(part, field))
                step = np.maximum(np.abs(values).max(1, keepdims=True), 1e-12) / 127
                arrays[f"{name}_{field}"] = np.rint(values / step).astype(np.int8)
                arrays[f"{name}_{field}_step"] = step.astype(np.float32)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        write_atomically(Path(path), buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DetailBasis:
        """Raises InputError, naming the file, for one that is missing, damaged or foreign."""
        if not Path(path).is_file():
            raise InputError(f"{path}: not there; expected a detail basis (.npz)")
        return read_cached(Path(path), _load)


def _load(path: Path) -> DetailBasis:
    with np.load(path, allow_pickle=False) as file:
        if "format" not in file or int(file["format"]) != _FORMAT:
            raise InputError(f"{path}: not a detail basis of this version")
        parts = []
        for name in PARTS:
            fields = {
                field: (file[f"{name}_{field}"] * file[f"{name}_{field}_step"]).astype(np.float32)
                for field in ("mean", "modes", "rest")
            }
            parts.append(PartBasis(fields["mean"][0], fields["modes"], fields["rest"][0]))
        return DetailBasis(int(file["size"]), file["texel"], (parts[0], parts[1], parts[2]))


@cache
def default_basis() -> DetailBasis:
    """The basis that comes with mien: `mien train detail-basis` with its defaults."""
    return DetailBasis.load(str(files("mien_training.detail") / "default_basis.npz"))


def principal_components(heights: Float32Array, count: int) -> PartBasis:
    """Of maps (P, N) of people, at most `count`, by the method of snapshots (Sirovich 1987): the
    eigenvectors of the small matrix of all pairs of people."""
    mean = heights.mean(0)
    apart = (heights - mean).astype(np.float64)
    people = len(apart)
    values, vectors = np.linalg.eigh(apart @ apart.T / max(people - 1, 1))
    order = np.argsort(values)[::-1][: min(count, people - 1)]
    order = order[values[order] > 1e-12 * max(float(values.max()), 1e-30)]
    modes = (vectors[:, order].T @ apart) / np.sqrt(max(people - 1, 1))
    left = (apart**2).sum(0) / max(people - 1, 1) - (modes**2).sum(0)
    return PartBasis(
        mean.astype(np.float32), modes.astype(np.float32),
        np.sqrt(left.clip(0)).astype(np.float32),
    )  # fmt: skip
