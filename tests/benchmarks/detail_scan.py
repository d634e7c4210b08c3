"""The relief of a real head, from images of it in a light that the method is not told.

python tests/benchmarks/detail_scan.py HEADSCAN_FOLDER [--seeds 1 2 3] [--picture FILE.png]

HEADSCAN_FOLDER: mesh, color.jpg and normal.jpg of a scan. Writes docs/results/detail_scan (.json
and .md).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from result_pages import RESULTS, only_rendered
from scipy import ndimage

from mien.rig import Rig
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.detail.basis.detail_basis import default_basis
from mien_training.detail.encoder.skin_encoder import default_encoder
from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.detail.fit.observed_skin import ObservedSkin, observe_skin
from mien_training.detail.fit.photometric_detail import (
    PhotometricNoise,
    ShadingEvidence,
    fit_detail,
    shading_evidence,
)
from mien_training.detail.fit.skin_light import estimate_light
from mien_training.footage.scanned.scan import read_scan
from mien_training.head import Template, rig_from_template
from mien_training.metrics.tables import results_page, write_results
from mien_training.rendering import HeadRenderer
from mien_training.rendering.relief.drawn_relief import DrawnRelief
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.relief.relief_normals import height_slopes
from mien_training.reports.head_stills import face_camera
from mien_training.rig.scan.registration import ScanFitConfig, register_scan
from mien_training.rig.scan.relief.scanned_relief import relief_of_scan
from mien_training.rig.scan.scan_landmarks import find_landmarks
from mien_training.rig.scan.scan_texture import scan_texture
from mien_training.synthetic.posing import head_matrices
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template
from mien_training.templates.person import person_materials

SIZE = 256
FINE, COARSE = 0.7, 6.0
"""Relief between these widths, in texels, is compared: the map has no coarser, images no finer."""
TEXT = """# A real head's relief

A scanned head (Lee Perry-Smith, by Infinite): mesh, photographed skin (wrinkles' shading and all)
and the scanner's normal map, integrated to heights. Nine images of it in a random light, by a
random camera; rig and pose are known, relief and light are not. Slopes along the surface are
compared with the normal map's, between 0.5 and 4 mm, over the face; correlation of all components,
and root mean square of the difference over the map's: 1 is what no relief would have.

full: the fit of `mien train detail`, at rest, read by the skin encoder. linear fit: without
encoder. shading alone: without basis, every texel for itself and its neighbours. mean person: the
basis's mean. mirrored: full against the truth of the mirrored face, which has the same places but
not the same wrinkles. relief believed to be colour: what the photographed skin alone, without any
relief in the images, makes the fit see."""


def band(values: NDArray[np.float64], texel: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N, 3) -> (N, 3) between FINE and COARSE."""
    image = np.zeros((SIZE * SIZE, 3))
    known = np.zeros((SIZE * SIZE, 1))
    image[texel], known[texel] = values, 1
    image, known = image.reshape(SIZE, SIZE, 3), known.reshape(SIZE, SIZE, 1)
    levels = [
        ndimage.gaussian_filter(image, (s, s, 0))
        / np.maximum(ndimage.gaussian_filter(known, (s, s, 0)), 1e-3)
        for s in (FINE, COARSE)
    ]
    return np.asarray((levels[0] - levels[1]).reshape(-1, 3)[texel])


def page(record: dict[str, Any]) -> str:
    rows = [[name, *np.mean(values, 0).tolist()] for name, values in record["results"].items()]
    columns = [
        "relief", "correlation", "in the forehead", "about eyes", "about the mouth", "error",
    ]  # fmt: skip
    return results_page(TEXT, columns, rows, record["command"])


PAGES = {"detail_scan": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    template = load_template("anny")
    scan = read_scan(options.scan / "LeePerrySmith.glb", None, options.scan / "color.jpg")
    found = find_landmarks(scan, template)
    fit = register_scan(scan, template, ScanFitConfig(scalp=1.0), found)
    scan = found.scan
    relief = relief_of_scan(scan, options.scan / "normal.jpg", fit, template, SIZE)
    person, near = relief.person, relief.near
    atlas = FaceAtlas.of(person)
    texels = atlas.texels(SIZE)
    fine = band(relief.slopes, texels.texel)

    skin_material = scan_texture(
        scan, template, fit.fitted, fit.world_from_rig, fit.attracted, 1024
    )  # fmt: skip
    materials = person_materials(person, skin_material.base_color)
    rig, source = rig_from_template(person, "scan", None, materials)
    chart = np.stack([texels.texel % SIZE, texels.texel // SIZE], 1) / SIZE
    regions = {
        "face": np.ones(len(chart), bool),
        "forehead": chart[:, 1] < 0.24,
        "eyes": (chart[:, 1] > 0.27) & (chart[:, 1] < 0.45) & (np.abs(chart[:, 0] - 0.5) > 0.12),
        "mouth": (chart[:, 1] > 0.53) & (np.abs(chart[:, 0] - 0.5) < 0.25),
    }
    basis = default_basis()
    results: dict[str, list[list[float]]] = {}
    for seed in options.seeds:
        fields = {}
        skin = photographed(person, rig, source, atlas, relief.height, seed)
        bare = photographed(person, rig, source, atlas, 0 * relief.height, seed)
        model, free = DetailModel(basis), DetailModel(basis, modes_share=0, rest_share=3)
        found_heights = {
            "full": found_relief(skin, model, True),
            "linear fit": found_relief(skin, model, False),
            "shading alone": found_relief(skin, free, False),
            "mean person": model.mean[0],
            "relief believed to be colour": found_relief(bare, model, True),
        }
        seen = skin.weight.sum(0).numpy() > 1
        for name, one in found_heights.items():
            slopes = height_slopes(one).reshape(2, -1)[:, texels.texel].T.numpy()
            fields[name] = band((slopes[..., None] * relief.along).sum(1), texels.texel)
            results.setdefault(name, []).append(
                [correlation(fields[name], fine, seen & near & r) for r in regions.values()]
                + [error(fields[name], fine, seen & near)]
            )
        mirror = np.zeros((SIZE * SIZE, 3))
        mirror[texels.texel] = fine * (-1, 1, 1)
        mirrored = mirror.reshape(SIZE, SIZE, 3)[:, ::-1].reshape(-1, 3)[texels.texel]
        results.setdefault("mirrored", []).append(
            [correlation(fields["full"], mirrored, seen & near & r) for r in regions.values()]
            + [error(fields["full"], mirrored, seen & near)]
        )
        print(seed, {n: np.round(v[-1], 3).tolist() for n, v in results.items()}, flush=True)
    if options.picture:
        shown = [fine, fields["full"], fields["shading alone"]]
        Image.fromarray(np.concatenate([lit(f, texels.texel) for f in shown], 1)).save(
            options.picture
        )
    command = "python tests/benchmarks/detail_scan.py headscan_lps/"
    write_results(RESULTS, "detail_scan", command, {"results": results}, page)


def photographed(
    person: Template, rig: Rig, source: NDArray[np.int32], atlas: FaceAtlas,
    height: NDArray[np.float32], seed: int,
) -> ObservedSkin:  # fmt: skip
    """Nine images of the head at rest, turned this way and that."""
    rng = np.random.default_rng((seed, 91))
    scene = RandomScene(seed, size=768)
    renderer = HeadRenderer(rig)
    renderer.relief = DrawnRelief.of(atlas.places[source], rig.triangles, height)
    camera = face_camera(person, 768)
    first = np.unique(source, return_index=True)[1]
    images, vertices = [], []
    for e, angles in enumerate(rng.normal(0, [0.35, 0.2, 0.05], (9, 3))):
        matrix = head_matrices(rig, angles[None])[0]
        posed = (rig.vertices @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
        image = renderer.render(
            posed, camera, scene.light.lighting, scene.background, scene.light.exposure
        )
        images.append(scene.degradation.apply(image, e))
        vertices.append(posed[first])
    return observe_skin(
        torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(vertices)),
        CameraBatch.of([camera]), torch.zeros(9, dtype=torch.long), atlas, SIZE,
    )  # fmt: skip


def found_relief(skin: ObservedSkin, model: DetailModel, read: bool) -> torch.Tensor:
    """(SIZE, SIZE) metres at rest; read: by the encoder."""
    seen: ShadingEvidence = shading_evidence(
        skin, estimate_light(skin), SIZE, PhotometricNoise().spots_px
    )
    still = torch.zeros_like(seen.observed)
    heights = fit_detail(seen, still, still, model).heights
    return (default_encoder().heights(seen, still, still, heights, model) if read else heights)[0]


def correlation(
    a: NDArray[np.float64], b: NDArray[np.float64], where: NDArray[np.bool_]
) -> float:  # fmt: skip
    return float(np.corrcoef(a[where].ravel(), b[where].ravel())[0, 1])


def error(
    a: NDArray[np.float64], b: NDArray[np.float64], where: NDArray[np.bool_]
) -> float:  # fmt: skip
    return float(np.sqrt(((a - b)[where] ** 2).mean() / (b[where] ** 2).mean()))


def lit(slopes: NDArray[np.float64], texel: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Relief lit from the upper left."""
    shade = np.full(SIZE * SIZE, 128.0)
    shade[texel] = 128 + 250 * (slopes @ (-0.7, 0.7, 0.0))
    grey = shade.reshape(SIZE, SIZE).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, -1)


if __name__ == "__main__":
    main()
