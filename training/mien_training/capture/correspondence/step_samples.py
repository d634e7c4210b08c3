"""What each step of the correspondence net learns from, drawn by other processes ahead of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader, Dataset

from mien.errors import MienError
from mien_training.capture.correspondence.view_samples import (
    SampleSpec,
    ViewSamples,
    draw_samples,
)
from mien_training.head import Template
from mien_training.synthetic.capture.dataset.read import CaptureReader
from mien_training.synthetic.capture.moments import CaptureMoment

__all__ = ["StepSamples", "drawn_ahead"]

_AHEAD = 4
"""Steps that each process draws in advance."""


class StepSamples(Dataset[ViewSamples]):
    """step -> its views: a function of the step and the seed alone, shard by shard.

    A shard gives as many steps as it has batches of views; every epoch has an order of its own.
    """

    def __init__(
        self,
        moments: Path,
        template: Template,
        spec: SampleSpec,
        batch: int,
        seed: int,
    ) -> None:
        """moments: a data set of `generate_captures`; raises InputError as `CaptureReader`."""
        self.reader = CaptureReader(moments)
        self.template, self.spec = template, spec
        self.batch, self.seed = batch, seed
        self._number, self._held = -1, list[CaptureMoment]()

    @cached_property
    def steps_of_shard(self) -> int:
        """How many steps look at the same file."""
        views = sum(len(moment.cameras) for moment in self.reader.shard(0))
        return max(1, round(views / self.batch))

    def __getitem__(self, step: int) -> ViewSamples:
        rng = np.random.default_rng((self.seed, step))
        epoch, place = divmod(step // self.steps_of_shard, self.reader.shards)
        order = np.random.default_rng((self.seed, epoch)).permutation(self.reader.shards)
        if order[place] != self._number:
            self._number = int(order[place])
            self._held = list(self.reader.shard(self._number))
        views = [(m, c) for m in self._held for c in range(len(m.cameras))]
        chosen = rng.choice(len(views), min(self.batch, len(views)), replace=False)
        return draw_samples([views[i] for i in chosen], self.template, self.spec, rng)


def drawn_ahead(samples: StepSamples, steps: int, workers: int) -> Callable[[int], ViewSamples]:
    """A function that is called with every step from any first one to `steps`, in order.

    workers: processes that draw in advance; with 0 each step is drawn when it is asked for. What is
    drawn is the same.
    """
    if workers == 0:
        return samples.__getitem__
    drawn: Iterator[ViewSamples] | None = None

    def at(step: int) -> ViewSamples:
        nonlocal drawn
        if drawn is None:
            drawn = iter(
                DataLoader(
                    samples, batch_size=None, sampler=range(step, steps), num_workers=workers,
                    prefetch_factor=_AHEAD, multiprocessing_context="spawn",
                )
            )  # fmt: skip
        try:
            return next(drawn)
        except RuntimeError as reason:
            raise MienError(
                f"a process that draws views died ({reason}): out of memory? Call again, perhaps "
                "with fewer workers: it goes on from the last checkpoint"
            ) from None

    return at
