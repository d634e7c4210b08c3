"""Reading captured moments: whole, or as batches of single views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.runs.cache import read_arrays
from mien_training.runs.shards import read_claim, shard_path
from mien_training.synthetic.capture.dataset.packing import moments_in, unpack_moment
from mien_training.synthetic.capture.moments import CaptureMoment

__all__ = ["CaptureReader", "ViewBatch"]


@dataclass(frozen=True, eq=False)
class ViewBatch:
    """B views of one size, of any moments; what `CaptureMoment` says of each."""

    images: NDArray[np.uint8]
    """(B, H, W, 3) sRGB."""
    part: NDArray[np.int8]
    """(B, H, W)"""
    mask: NDArray[np.bool_]
    """(B, H, W)"""
    canonical: NDArray[np.float32]
    """(B, H, W, 3) metres."""
    normals: NDArray[np.float32]
    """(B, H, W, 3) unit, camera axes."""
    cameras: tuple[Camera, ...]
    """B, true."""
    seeds: NDArray[np.int64]
    """(B,) of each view's moment."""


class CaptureReader:
    """What `generate_captures` wrote: iterate to get every `CaptureMoment` in order.

    for moment in CaptureReader(folder):
        learn(moment.images, moment.vertices)

    One shard is in memory at a time.
    """

    def __init__(self, folder: Path) -> None:
        """Raises InputError for a folder without a data set, or an unfinished one."""
        self.folder = folder
        self.key, self.shards, self.spec = read_claim(folder, "captured moments")

    def __iter__(self) -> Iterator[CaptureMoment]:
        for number in range(self.shards):
            yield from self.shard(number)

    def seeds(self, number: int) -> range:
        """Of the moments of one file."""
        count, end = self.spec["moments_per_shard"], self.spec["first_seed"] + self.spec["moments"]
        first = self.spec["first_seed"] + number * count
        return range(first, min(first + count, end))

    def shard(self, number: int) -> Iterator[CaptureMoment]:
        """The moments of one file; shards may be read in any order."""
        path = shard_path(self.folder, number)
        arrays = read_arrays(path)
        for m in range(moments_in(arrays)):
            try:
                yield unpack_moment(arrays, m)
            except (InputError, KeyError, ValueError) as reason:
                raise InputError(
                    f"{path}: damaged ({reason}); delete it, and it is made again"
                ) from None

    def moments(self, seed: int) -> Iterator[CaptureMoment]:
        """Every moment once, in an order drawn by `seed`: files by chance, and moments in each."""
        rng = np.random.default_rng((seed, 98))
        for number in rng.permutation(self.shards):
            inside = list(self.shard(int(number)))
            for m in rng.permutation(len(inside)):
                yield inside[m]

    def batches(self, size: int, seed: int) -> Iterator[ViewBatch]:
        """Every view once, `size` at a time, in an order drawn by `seed`.

        Views of a batch come from the same file and have one size; of each size in a file the last
        batch may be smaller. Raises InputError for a size below 1.
        """
        if size < 1:
            raise InputError(f"CaptureReader.batches: size {size}, expected 1 or more")
        rng = np.random.default_rng((seed, 99))
        for number in rng.permutation(self.shards):
            of_size: dict[tuple[int, ...], list[tuple[CaptureMoment, int]]] = {}
            for moment in self.shard(int(number)):
                views = [(moment, c) for c in range(len(moment.cameras))]
                of_size.setdefault(moment.part.shape[1:], []).extend(views)
            chosen = []
            for views in of_size.values():
                order = rng.permutation(len(views))
                chosen += [
                    [views[i] for i in order[k : k + size]] for k in range(0, len(order), size)
                ]
            for b in rng.permutation(len(chosen)):
                yield _batch(chosen[b])


def _batch(views: list[tuple[CaptureMoment, int]]) -> ViewBatch:
    return ViewBatch(
        images=np.stack([m.images[c] for m, c in views]),
        part=np.stack([m.part[c] for m, c in views]),
        mask=np.stack([m.mask[c] for m, c in views]),
        canonical=np.stack([m.canonical[c] for m, c in views]),
        normals=np.stack([m.normals[c] for m, c in views]),
        cameras=tuple(m.cameras[c] for m, c in views),
        seeds=np.array([m.seed for m, _ in views], np.int64),
    )
