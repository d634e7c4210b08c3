"""Linear spaces of skin detail on the face atlas: heights = mean + sum_d c_d mode_d, c_d ~ N(0, 1).

Three of them (HiFace, Chai et al. 2023, equations 3 to 5): what a face shows at rest, what full
compression adds, what full stretch adds. Modes are principal components of many people's maps and
of their mirror images, each of one standard deviation; region by region, for somebody's forehead
says next to nothing about their chin, and whole-face modes would have to know both together. A
fold at rest is where the same fold deepens under compression, so the three are not independent:
HiFace regresses the dynamic coefficients from the static ones; here their covariance over people
says the same, and more.
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
from scipy import linalg

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.runs.cache import read_cached

__all__ = [
    "PARTS",
    "DetailBasis",
    "PartBasis",
    "default_basis",
    "joint_basis",
    "principal_components",
]

Float32Array = NDArray[np.float32]

PARTS = ("static", "compressed", "stretched")
"""At rest; added by full compression; added by full stretch."""
_FORMAT = 1
_OF_A_REGION = 0.03
"""Share of a region from which on a texel is one of its."""


@dataclass(frozen=True, eq=False)
class PartBasis:
    """One space, at the N texels of its basis."""

    mean: Float32Array
    """(N,) metres."""
    modes: Float32Array
    """(D, N) metres, of one standard deviation each: those of the first region, the largest first,
    those of the second, and so on, as many of each."""

    def heights(self, coefficients: NDArray[np.floating]) -> Float32Array:
        """(..., N) metres of coefficients (..., D)."""
        return np.asarray(self.mean + coefficients @ self.modes, np.float32)

    def coefficients(self, heights: NDArray[np.floating]) -> Float32Array:
        """(..., D) nearest to heights (..., N); as little as possible of modes that overlap."""
        square = self.modes.astype(np.float64) @ self.modes.T
        square[np.diag_indices_from(square)] += 1e-3 * np.diag(square).mean()
        right = ((heights - self.mean) @ self.modes.T).astype(np.float64)
        return np.asarray(np.linalg.solve(square, right[..., None])[..., 0], np.float32)


@dataclass(frozen=True, eq=False)
class DetailBasis:
    """All three, on one set of texels."""

    size: int
    """Side of the atlas, texels."""
    texel: NDArray[np.int32]
    """(N,) indices into the flattened atlas where anybody has detail."""
    parts: tuple[PartBasis, PartBasis, PartBasis]
    """In the order of PARTS."""
    link: Float32Array
    """(R, D', D') lower triangular: independent N(0, 1) -> a region's coefficients of all parts,
    one part after the other."""
    rest: Float32Array
    """(3, 3, N) lower triangular: independent N(0, 1) -> what the modes leave out of the parts,
    metres."""

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
            _pack(arrays, f"{name}_mean", part.mean[None])
            _pack(arrays, f"{name}_modes", part.modes)
        _pack(arrays, "link", self.link.reshape(len(self.link), -1))
        _pack(arrays, "rest", self.rest.reshape(9, -1))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        write_atomically(Path(path), buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DetailBasis:
        """Raises InputError, naming the file, for one that is missing, damaged or foreign."""
        if not Path(path).is_file():
            raise InputError(f"{path}: not there; expected a detail basis (.npz)")
        return read_cached(Path(path), _load)


def _pack(arrays: dict[str, NDArray[np.generic]], name: str, rows: Float32Array) -> None:
    """Rows (M, N) as 8 bits each, and each row's step."""
    step = np.maximum(np.abs(rows).max(1, keepdims=True), 1e-12) / 127
    arrays[name] = np.rint(rows / step).astype(np.int8)
    arrays[f"{name}_step"] = step.astype(np.float32)


def _load(path: Path) -> DetailBasis:
    with np.load(path, allow_pickle=False) as file:
        if "format" not in file or int(file["format"]) != _FORMAT:
            raise InputError(f"{path}: not a detail basis of this version")

        def rows(name: str) -> Float32Array:
            return np.asarray(file[name] * file[f"{name}_step"], np.float32)

        parts = [PartBasis(rows(f"{name}_mean")[0], rows(f"{name}_modes")) for name in PARTS]
        rest = rows("rest")
        link, side = rows("link"), round(file["link"].shape[1] ** 0.5)
        return DetailBasis(
            int(file["size"]), file["texel"], (parts[0], parts[1], parts[2]),
            link.reshape(-1, side, side), rest.reshape(3, 3, -1),
        )  # fmt: skip


@cache
def default_basis() -> DetailBasis:
    """The basis that comes with mien: `mien train detail-basis` with its defaults."""
    return DetailBasis.load(str(files("mien_training.detail.basis") / "default_basis.npz"))


def principal_components(heights: Float32Array, count: int) -> tuple[Float32Array, Float32Array]:
    """Mean (N,), and `count` modes (D, N) of one standard deviation each, of maps (P, N)."""
    mean = heights.mean(0)
    apart = (heights - mean).astype(np.float64)
    people, texels = apart.shape
    # Of the smaller of the two covariances: people by people (Sirovich 1987), or texels by texels.
    small = apart @ apart.T if people <= texels else apart.T @ apart
    values, vectors = linalg.eigh(
        small / (people - 1), subset_by_index=(max(len(small) - count, 0), len(small) - 1)
    )
    values, vectors = values[::-1].clip(0), vectors[:, ::-1]
    if people <= texels:
        modes = vectors.T @ apart / np.sqrt(people - 1)
    else:
        modes = (vectors * np.sqrt(values)).T
    padded = np.zeros((count, texels), np.float32)
    padded[: len(modes)] = modes
    return mean.astype(np.float32), padded


def joint_basis(
    size: int, texel: NDArray[np.int32], heights: Float32Array, masks: Float32Array,
    counts: tuple[int, int, int],
) -> DetailBasis:  # fmt: skip
    """Of maps (P, 3, N) of people: `counts` modes of each part in each region, masks (R, N), and
    how the parts of a region hang together."""
    people, _, texels = heights.shape
    modes = [np.zeros((len(masks) * count, texels), np.float32) for count in counts]
    means = [np.zeros(texels, np.float32) for _ in counts]
    left = heights.copy()
    links = []
    share = min(sum(counts) / (4 * people), 0.5)
    for r, mask in enumerate(masks):
        inside = np.flatnonzero(mask > _OF_A_REGION)
        codes = []
        for k, count in enumerate(counts):
            part = heights[:, k, inside] * mask[inside]
            mean, own = principal_components(part, count)
            scale = np.maximum((own.astype(np.float64) ** 2).sum(1), 1e-18)
            code = (part - mean) @ own.T / scale
            means[k][inside] += mean
            modes[k][r * count : (r + 1) * count, inside] = own
            left[:, k, inside] -= mean + code @ own
            codes.append(code)
        covariance = np.cov(np.concatenate(codes, 1).T)
        # Shrunk: of few people chance correlations are the larger part.
        links.append(np.linalg.cholesky((1 - share) * covariance + share * np.eye(len(covariance))))
    pairs = np.einsum("pin,pjn->nij", left, left, dtype=np.float64) / max(people - 1, 1)
    pairs += (1e-12 + 1e-3 * np.einsum("nii->n", pairs))[:, None, None] * np.eye(3)
    rest = np.linalg.cholesky(pairs).transpose(1, 2, 0)
    parts = [PartBasis(mean, own) for mean, own in zip(means, modes, strict=True)]
    return DetailBasis(
        size, texel, (parts[0], parts[1], parts[2]), np.stack(links).astype(np.float32),
        np.ascontiguousarray(rest, np.float32),
    )  # fmt: skip
