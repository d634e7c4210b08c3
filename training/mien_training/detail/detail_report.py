"""A page that shows what was learnt of somebody's skin: the face with and without, by region."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.deform import blend
from mien.detail import DetailMaps
from mien.rig import Material, Rig
from mien_exporters.detail.detail_run import DetailRun
from mien_training.detail.fit.evidence import RegionEvidence
from mien_training.detail.fit.posed_frames import PosedFrames
from mien_training.detail.wrinkle_network import WrinkleNetwork
from mien_training.head import MATERIALS, Template
from mien_training.rendering import HeadRenderer, Lighting
from mien_training.rendering.relief.drawn_relief import DrawnRelief
from mien_training.reports.head_stills import face_camera, jpeg_bytes, png_bytes
from mien_training.reports.html import cards, figure, page, section, table

__all__ = ["SHOWN", "draw_detail", "write_detail_report"]

ImageArray = NDArray[np.uint8]
Float32Array = NDArray[np.float32]

SHOWN: dict[str, tuple[str, ...]] = {
    "neutral": (),
    "brows raised": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "frown": ("browDownLeft", "browDownRight", "noseSneerLeft", "noseSneerRight"),
    "squint": ("eyeSquintLeft", "eyeSquintRight", "cheekSquintLeft", "cheekSquintRight"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
}
"""Expressions by name, as shapes that are full on."""
_SIDE = 512


def side_light() -> Lighting:
    """From the upper left, so that relief is seen; little from elsewhere."""
    d = np.array([(-0.75, 0.55, 0.45), (0.7, 0.2, 0.6)], np.float32)
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    c = np.array([(0.95, 0.92, 0.88), (0.10, 0.11, 0.13)], np.float32)
    return Lighting(d, c, (0.20, 0.21, 0.23), (0.12, 0.11, 0.10))


def draw_detail(
    person: Template, rig: Rig, materials: tuple[Material, ...], detail: DetailRun, on: bool,
    side: int = _SIDE, light: Lighting | None = None, yaw: float = 0.35,
) -> dict[str, ImageArray]:  # fmt: skip
    """Expression -> (side, side, 3) image, with the detail or without it."""
    renderer = HeadRenderer(rig, samples=2)
    if on and detail.skin is not None:
        skin = MATERIALS.index("skin")
        own = Material("skin", detail.skin, materials[skin].color, materials[skin].roughness)
        materials = (*materials[:skin], own, *materials[skin + 1 :])
    renderer.set_materials(materials)
    maps = maps_of(detail)
    network = WrinkleNetwork(detail.layers, {})
    camera = face_camera(person, side, yaw)
    images = {}
    for name, shapes in SHOWN.items():
        row = np.zeros((1, len(rig.shape_names)), np.float32)
        row[0, [rig.shape_index[s] for s in shapes if s in rig.shape_index]] = 1
        if on:
            height = maps.displacement(network.weights(row)[0], detail.intensity)
            renderer.relief = DrawnRelief.of(detail.places, rig.triangles, height)
        images[name] = renderer.render(
            blend(rig, row)[0], camera, light or side_light(), (28, 30, 34)
        )
    return images


def maps_of(detail: DetailRun) -> DetailMaps:
    """What a host of the exported character reads."""
    side = detail.maps.shape[-1]
    at = ((np.arange(side) + 0.5) / side * detail.masks.shape[-1]).astype(int)
    masks = detail.masks[:, at][:, :, at]
    static, compressed, stretched = detail.maps
    return DetailMaps(detail.region_names, masks, static, compressed, stretched, detail.intensity)


def write_detail_report(
    folder: Path, person: Template, rig: Rig, materials: tuple[Material, ...], detail: DetailRun,
    frames: PosedFrames, evidence: tuple[RegionEvidence, ...], metrics: Mapping[str, Any],
    show_frames: bool,
) -> Path:  # fmt: skip
    """`report.html` and `detail.png` into the run's folder; the path of the first."""
    rows = [draw_detail(person, rig, materials, detail, on) for on in (False, True)]
    sheet = np.concatenate([np.concatenate(list(row.values()), 1) for row in rows])
    write_atomically(folder / "detail.png", png_bytes(sheet))
    figures = [
        (str(metrics["frames"]), "images used"),
        (str(metrics["verdicts"].get("measured", 0)), f"of {len(evidence)} regions measured"),
        (f"{metrics['depth_mm']['static']['p99']:.2f} mm", "deep at rest, 99th percentile"),
        (f"{metrics['network']['rms'].get('network', 0):.3f}", "error of the wrinkle network"),
    ]
    body = [
        cards(figures),
        section(
            "Without and with",
            figure(png_bytes(sheet), "the face in five expressions, without and with detail",
                   ", ".join(SHOWN)),
            note="Above the rig alone, below with its detail, in one light from the side.",
        ),
        section(
            "Maps",
            figure(png_bytes(map_sheet(detail.maps)), "height maps",
                   "At rest; added by compression; added by stretch. Dark is deep."),
        ),
        section(
            "Regions",
            table(
                ("region", "frames", "compressed", "stretched", "unexplained", "verdict"),
                [
                    (e.region, f"{e.frames:.1f}", f"{e.compressed:.2f}", f"{e.stretched:.2f}",
                     f"{e.unexplained:.2f}", e.verdict)
                    for e in evidence
                ],
                numbers=(1, 2, 3, 4),
            ),
            note="measured: seen, and seen moving. static only: never compressed or stretched by "
            "half of what the rig can; how it folds is then what people of such skin do. covered: "
            "hair, glasses or something else; not seen: both have the mean person's detail at half "
            "intensity.",
        ),
    ]  # fmt: skip
    if show_frames:
        some = frames.images[:: max(1, len(frames.images) // 8)][:8].numpy()
        step = max(1, some.shape[1] // 256)
        strip = np.concatenate(list(some[:, ::step, ::step]), 1)
        body.append(section("Images", figure(jpeg_bytes(strip), "some of the images used")))
    html = page(
        f"{detail.name}: skin detail", "Static and dynamic wrinkles on the person's rig.", body
    )
    return write_atomically(folder / "report.html", html.encode())


def map_sheet(maps: Float32Array, side: int = 384) -> ImageArray:
    """(side, 3 side, 3) grey images of heights (3, S, S); black to white is 2 mm."""
    step = max(1, maps.shape[-1] // side)
    grey = 127.5 + 127.5 * maps[:, ::step, ::step] / 1e-3
    row = np.concatenate(list(grey), 1).clip(0, 255)
    return np.repeat(np.rint(row)[..., None], 3, -1).astype(np.uint8)
