"""`mien train capture --from NET --scans DIR`: a net learns the people of scans.

Its linear step alone: where the correspondence net finds a head, it need not know whose it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mien_training.capture.capture_net import CaptureNet
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

__all__ = ["tune_net"]


def tune_net(
    net: CaptureNet,
    folder: ScanFolder,
    config: ScanTraining,
    out: Path,
    told: Mapping[str, Any],
    report: Report = silent,
) -> tuple[CaptureNet, dict[str, Any]]:
    """The net with another linear step, and figures of the moments that were held out.

    Keeps readings and a checkpoint in `out`: the same call goes on from them. told: what the result
    follows from, plain values; the net's origin tells it, and its parent. Raises InputError as
    `read_scans`.
    """
    read = read_scans(net, folder, out / "read", report)
    held = held_out_moments(len(read.paths), config.held_out)
    learnt = [path for n, path in enumerate(read.paths) if n not in held]
    judged = [read.paths[n] for n in held]
    loss = ScanLoss.of(net.template, net.linear.chosen, config.terms)
    checkpoint = Checkpoint(out / "tuning.pt", {**told, "parent": net.digest})
    tuned = train_on_scans(net.linear, loss, config, learnt, judged, checkpoint, report)
    origin = {"parent": net.digest, "of_parent": net.origin, **told}
    metrics = {
        "moments": len(learnt), "held_out": [int(path.stem) for path in judged],
        "without_head": list(read.lost), "before": tuned.before, "after": tuned.after,
        "parent": net.digest, "tuning": asdict(tuned.trained),
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(metrics))
    return replace(net, linear=tuned.linear, origin=origin), plain
