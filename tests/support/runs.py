"""A finished training run of the sphere, for tests of the export."""

from __future__ import annotations

from mien.manifest import Consent
from mien_exporters.run_folder import AnimatorRun
from support.packages import FEATURES, tiny_animator
from support.rigs import sphere_rig

CONSENT = Consent("synthetic", "A sphere; nobody is shown.")


def finished_run() -> AnimatorRun:
    rig = sphere_rig()
    return AnimatorRun(
        name="Anna Kugel",
        rig=rig,
        animator_onnx=tiny_animator(),
        channels=("mouthSmileLeft", "jawOpen", "browInnerUp"),  # not the rig's order
        features=FEATURES,
        licence="CC0-1.0",
        consent=CONSENT,
        provenance={"seed": 7, "metrics": {"vertex_error_mm": 0.31}},
    )
