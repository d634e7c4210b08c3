"""`mien train capture --from NET --scans DIR`: a net learns the rig and the people of scans.

Refinement alone: where the correspondence net finds a head, it need not know the rig.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.refinement.refinement import Refinement, RefinementConfig
from mien_training.capture.refinement.scan_loss import ScanLoss
from mien_training.capture.scans.read_scans import read_scans
from mien_training.capture.scans.scan_folder import ScanFolder
from mien_training.capture.scans.train_on_scans import (
    ScanTraining,
    held_out_moments,
    train_on_scans,
)
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Report, silent

__all__ = ["tunable", "tune_net"]


def tunable(net: CaptureNet) -> Refinement:
    """A copy of its net over the mesh; a new one, which hardly does anything, where it has none."""
    if net.refinement is not None:
        return deepcopy(net.refinement)
    return Refinement(net.template, net.correspondence.features, RefinementConfig())


def tune_net(
    net: CaptureNet,
    folder: ScanFolder,
    config: ScanTraining,
    out: Path,
    told: Mapping[str, Any],
    report: Report = silent,
) -> tuple[CaptureNet, dict[str, Any]]:
    """The net with another refinement, and figures of the moments that were held out.

    Keeps readings and a checkpoint in `out`: the same call goes on from them. told: what the result
    follows from, plain values; the net's origin tells it, and its parent. Raises InputError as
    `read_scans`.
    """
    read = read_scans(net, folder, out / "read", report)
    held = held_out_moments(len(read.paths), config.held_out)
    learnt = [path for n, path in enumerate(read.paths) if n not in held]
    judged = [read.paths[n] for n in held]
    refinement = tunable(net)
    loss = ScanLoss.of(net.template, refinement.chosen, config.terms)
    checkpoint = Checkpoint(out / "refinement.pt", {**told, "parent": net.digest})
    tuned = train_on_scans(refinement, loss, config, learnt, judged, checkpoint, report)
    origin = {"parent": net.digest, "of_parent": net.origin, **told}
    metrics = {
        "moments": len(learnt), "held_out": [int(path.stem) for path in judged],
        "without_head": list(read.lost), "before": tuned.before, "after": tuned.after,
        "parent": net.digest, "refinement": asdict(tuned.trained),
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(metrics))
    return replace(net, refinement=refinement, origin=origin), plain
