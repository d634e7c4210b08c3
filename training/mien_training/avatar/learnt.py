"""One kind of avatar after its training: how it draws, what it cost, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.consent import Consent
from mien_training.avatar.judge import Draw
from mien_training.runs.trainer import Trained

__all__ = ["Learnt", "cost", "provenance"]


@dataclass(frozen=True, eq=False)
class Learnt:
    """What `mien train avatar` needs of every kind."""

    kind: str
    ways: Mapping[str, Draw]
    """Name in the table -> pictures of the film's frames; the first is what packages hold."""
    metrics: Mapping[str, Any]
    """Plain JSON."""
    write: Callable[[Path, Consent | None, Mapping[str, Any]], None]
    """Leaves what exporters read in a folder: consent, and the whole run's metrics, which have
    those of this kind under its name."""


def cost(trained: Trained, steps: int, seed: int) -> dict[str, Any]:
    """What a training took, for the metrics: without reading the film, judging and baking."""
    return {
        "steps": steps, "seed": seed, "wall_s": trained.wall_s, "cpu_s": trained.cpu_s,
        "history": list(trained.history),
    }  # fmt: skip


def provenance(kind: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Of one kind, from the whole run's metrics: the steps that it took, not those that were asked
    for, and its own seed."""
    of_all = {name: metrics[name] for name in ("config", "versions", "inputs")}
    return of_all | {name: metrics[kind][name] for name in ("steps", "seed")}
