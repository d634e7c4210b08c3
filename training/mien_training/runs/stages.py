"""The finished stages of a long job, kept in one checkpoint: a later call does not repeat them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mien_training.runs.checkpoint import Checkpoint, plain_state

__all__ = ["Stages"]


class Stages:
    """Results of stages by name, and how far the unfinished one has come.

    A stage's result is always what a checkpoint gives back (arrays have become tensors), whether
    it was worked out now or by an earlier call. After every stage the state of the global random
    generators is kept with it, so that a call that goes on draws what an uninterrupted one would
    have drawn.
    """

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        """Without a checkpoint nothing is kept. Raises what `Checkpoint.resume` raises."""
        self._checkpoint = checkpoint
        self._kept: dict[str, Any] = {}
        if checkpoint is not None:
            self._kept = checkpoint.resume() or {}

    def run(self, name: str, work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """The result of a stage: as it was kept, or worked out now and kept."""
        if name not in self._kept:
            self.keep(name, work())
        return dict(self._kept[name])

    def kept(self, name: str) -> dict[str, Any] | None:
        """What `keep` was told last under this name, by this call or an earlier one."""
        return self._kept.get(name)

    def keep(self, name: str, state: Mapping[str, Any]) -> None:
        """Keep a copy of a state (see `plain_state`) under a name, in place of an earlier one."""
        self._kept[name] = plain_state(dict(state))
        if self._checkpoint is not None:
            self._checkpoint.save(self._kept)
