"""python filament_probe.py FILE.glb PICTURE.png: what Filament (through filly) makes of a GLB.

Prints one JSON object. A process of its own: a native importer that crashes must not take the
tests along.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from PIL import Image

SIZE = 320


def main(glb: str, picture: str) -> dict[str, Any]:
    import filly

    renderer = filly.Renderer()
    scene = renderer.create_scene()
    model = scene.load(glb)
    scene.camera = renderer.create_camera()
    scene.camera.frame(model, direction=(-0.2, 0, -1))
    scene.add_directional_light(direction=(-0.3, -0.5, -1))
    target = renderer.create_render_target(width=SIZE, height=SIZE)
    node = next(n for n in model.nodes if n.morph_target_count > 0)
    count = node.morph_target_count

    def draw() -> np.ndarray:
        renderer.render(scene, target)
        return np.asarray(target.read())[..., :3].astype(np.int16)

    rest = draw()
    changed = []
    for k in range(count):
        node.set_morph_weights([float(k == i) for i in range(count)])
        changed.append(int((np.abs(draw() - rest).sum(axis=2) > 6).sum()))
    node.set_morph_weights([0.0] * count)
    back = int((np.abs(draw() - rest).sum(axis=2) > 6).sum())
    Image.fromarray(rest.astype(np.uint8)).save(picture)
    animations = [str(getattr(a, "name", a)) for a in model.animations]
    return {
        "nodes": [n.name for n in model.nodes],
        "morph_target_count": count,
        "changed": changed,
        "changed_after_reset": back,
        "animations": animations,
    }


if __name__ == "__main__":
    report = main(*sys.argv[1:])
    print("REPORT " + json.dumps(report))
