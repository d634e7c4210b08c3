"""A person's avatar as the files of a package, and the manifest's entry of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar_kinds import SplatsEntry
from mien.consent import Consent
from mien.errors import InputError
from mien.rig import Rig
from mien_exporters.avatar.avatar_glb import avatar_glb
from mien_exporters.avatar.avatar_onnx import avatar_onnx
from mien_exporters.avatar.avatar_run import AvatarRun, with_eight_bit_maps

__all__ = [
    "MOST_LOSS_DB", "NETWORK", "SPLATS", "avatar_files", "avatar_provenance", "check_avatar",
    "check_person", "synthetic_mark",
]  # fmt: skip

SPLATS, NETWORK = "avatar/splats.glb", "avatar/splats.onnx"
MOST_LOSS_DB = 0.1
"""What the linear maps may lose against the network before an export asks."""
_SAME_M = 1e-4
"""Rigs pass through files in single precision, and shapes' negligible parts are dropped."""


def check_person(
    where: str, shown: Consent | None, vertices: NDArray[np.float32], rig: Rig, consent: Consent
) -> None:
    """Raises InputError for an avatar that may not or cannot go into the character with this rig
    and this consent: nobody's consent, another mesh, another person.

    shown: of the person whose avatar it is; vertices (V, 3): their rig's neutral, metres.
    """
    if shown is None:
        raise InputError(
            f"{where}: nobody has said why this person may be shown, and an avatar looks like a "
            "photograph of them; train it with their consent, in words"
        )
    if consent.kind == "synthetic" and shown.kind != "synthetic":
        raise InputError(
            f"{where}: shows a real person (consent {shown.kind!r}), and the character says "
            "that nobody real is shown (consent 'synthetic'); expected the same of both"
        )
    if vertices.shape != rig.vertices.shape:
        raise InputError(
            f"{where}: its rig has {len(vertices)} vertices, that of {rig.name!r} "
            f"{len(rig.vertices)}; expected the avatar of the same rig"
        )
    apart = float(np.abs(vertices - rig.vertices).max())
    if apart > _SAME_M:
        raise InputError(
            f"{where}: its rig's neutral is up to {1000 * apart:.1f} mm from that of "
            f"{rig.name!r}; expected the avatar of the same rig"
        )


def check_avatar(run: AvatarRun, rig: Rig, consent: Consent, allow_bake_loss: bool = False) -> None:
    """As `check_person`; refuses a bake that loses more than MOST_LOSS_DB too, unless that is
    allowed."""
    where = f"avatar of {run.name!r}"
    check_person(where, run.consent, run.vertices, rig, consent)
    if run.bake_loss_db > MOST_LOSS_DB and not allow_bake_loss:
        raise InputError(
            f"{where}: its {len(run.maps)} linear maps lose {run.bake_loss_db:.2f} dB against the "
            f"trained network, expected at most {MOST_LOSS_DB:g}: bake more maps, or accept it "
            "(--allow-bake-loss)"
        )


def synthetic_mark(name: str) -> str:
    """What every picture of a person's avatar says of itself."""
    return f"Synthetic image of {name}, made by a trained model (mien)."


def avatar_files(
    run: AvatarRun, channels: Sequence[str], name: str | None = None
) -> tuple[dict[str, bytes], SplatsEntry]:
    """Name -> bytes of the Gaussians and of the network for these channels, and the entry; `name`
    of the person shown, if not the run's. Deterministic. Raises InputError without consent."""
    consent = run.consent
    if consent is None:
        raise InputError(f"avatar of {run.name!r}: has no consent of the person shown")
    codes, steps, run = with_eight_bit_maps(run)
    names = tuple(f"appearance{k:02d}" for k in range(len(run.maps)))
    files = {
        SPLATS: avatar_glb(run, codes, steps, channels, names),
        NETWORK: avatar_onnx(run, channels, names),
    }
    low, high = ([float(x) for x in corner] for corner in run.bounds_m)
    entry = SplatsEntry(
        splats=SPLATS, network=NETWORK, channels=tuple(channels),
        coefficients=names, gaussians=len(run.anchor), low_m=(low[0], low[1], low[2]),
        high_m=(high[0], high[1], high[2]), consent=consent,
        synthetic_mark=synthetic_mark(name or run.name),
    )  # fmt: skip
    return files, entry


def avatar_provenance(run: AvatarRun) -> dict[str, Any]:
    """How it was made and what was measured, for the manifest."""
    told = dict(run.provenance)
    return {**told, "metrics": dict(run.metrics), "bake_loss_db": float(run.bake_loss_db)}
