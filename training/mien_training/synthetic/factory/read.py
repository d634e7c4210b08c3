"""Reading a data set of synthetic people, one shard in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mien_training.cameras import Camera
from mien_training.runs.cache import read_arrays
from mien_training.runs.shards import read_claim, shard_path
from mien_training.synthetic.factory.sequence import LabelledFrame

__all__ = ["DatasetReader"]

_PER_IMAGE = ("image", "mask", "part", "depth_m", "normals", "uv", "landmarks_px")
_PER_MOMENT = ("vertices", "weights", "world_from_head", "landmarks")


class DatasetReader:
    """What `generate_dataset` wrote: iterate to get every `LabelledFrame` in order.

    for frame in DatasetReader(folder):
        learn(frame.image, frame.landmarks_px)
    """

    def __init__(self, folder: Path) -> None:
        """Raises InputError for a folder without a data set, or an unfinished one."""
        self.key, self.shards, self.spec = read_claim(folder, "synthetic people")
        self.folder = folder

    def __iter__(self) -> Iterator[LabelledFrame]:
        for number in range(self.shards):
            yield from self.shard(number)

    def shard(self, number: int) -> Iterator[LabelledFrame]:
        """The frames of one file; shards may be read in any order."""
        columns = read_arrays(shard_path(self.folder, number))
        for row in range(len(columns["view"])):
            yield _frame(columns, row)


def _frame(columns: dict[str, Any], row: int) -> LabelledFrame:
    height, width = columns["image"].shape[1:3]
    k1, k2 = columns["distortion"][row].tolist()
    moment = int(columns["moment"][row])
    labels: dict[str, Any] = {
        name: columns[name][row] if name in columns else None for name in _PER_IMAGE
    }
    for name in _PER_MOMENT:
        labels[name] = columns[name][moment] if name in columns else None
    return LabelledFrame(
        camera=Camera(columns["K"][row], columns["camera_from_world"][row], width, height, k1, k2),
        view=int(columns["view"][row]),
        sequence=int(columns["sequence"][row]),
        identity=int(columns["identity"][row]),
        time_s=float(columns["time_s"][row]),
        in_time=bool(columns["in_time"][row]),
        **labels,
    )
