"""How a fit explains colours: texture under harmonics, with highlights, or a neural shader.

python tests/benchmarks/rig_appearance.py TAKE.csv ICT_FOLDER [--seeds 1 2 3]

The synthetic people of rig_synthetic.py (same arguments), at their true geometry, pose and time
offsets: what is left is the appearance's own. Each kind learns the colours of 50 frames in 200
steps and is measured on 10 others; writes docs/results/rig_appearance.{json,md}.
"""

from __future__ import annotations

import os
import time
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import torch.nn.functional as F
from result_pages import RESULTS, only_rendered
from scipy.spatial.transform import Rotation
from synthetic_recording import SyntheticRecording, parser_of, recorded
from torch import Tensor, nn

from mien.clip import Clip
from mien_training.head import MATERIALS
from mien_training.metrics.tables import results_page, write_results
from mien_training.rendering.appearance import Appearance, harmonics, srgb_from_linear
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.visibility import rasterize
from mien_training.rig.model.loss_terms import photometric_loss
from mien_training.rig.model.motion import Motion
from mien_training.rig.model.personal_rig import Shapes
from mien_training.templates import load_template

FRAMES, HELD_OUT, STEPS, BATCH = 60, 10, 200, 2
Pixels = tuple[Tensor, ...]
"""Material, uv, normal, sight, place on the resting face, camera; and the colour seen."""


class Matt(Appearance):
    """Texture under nine harmonics, nothing mirrored."""

    def __init__(self, materials: int, side: int, cameras: int) -> None:
        super().__init__(materials, side, cameras)
        self.highlight_log_colour.requires_grad_(False).fill_(-30.0)


class Glossy(Matt):
    """And nine harmonics of the mirrored line of sight."""

    def __init__(self, materials: int, side: int, cameras: int) -> None:
        super().__init__(materials, side, cameras)
        self.gloss = nn.Parameter(torch.zeros(9, 3))

    def forward(
        self, material: Tensor, uv: Tensor, normals: Tensor, sight: Tensor, camera: Tensor
    ) -> Tensor:
        matt = super().forward(material, uv, normals, sight, camera)
        linear = torch.where(matt <= 0.04045, matt / 12.92, ((matt + 0.055) / 1.055) ** 2.4)
        normal, towards = F.normalize(normals, dim=-1), F.normalize(sight, dim=-1)
        mirrored = 2 * (normal * towards).sum(-1, keepdim=True) * normal - towards
        return srgb_from_linear((linear + harmonics(mirrored) @ self.gloss).clamp_min(0))


class Neural(nn.Module):
    """The deferred shader of the paper: features of the resting place, then normal and sight."""

    OCTAVES = 4

    def __init__(self, cameras: int, width: int = 128) -> None:
        super().__init__()
        self.cameras = cameras
        sizes = [3 + 6 * self.OCTAVES, width, width, width, width]
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.features = nn.Sequential(*layers[:-1])
        self.shade = nn.Sequential(nn.Linear(width + 6 + cameras, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, place: Tensor, normals: Tensor, sight: Tensor, camera: Tensor) -> Tensor:
        x = place / 0.1
        waves = [f(2**k * x) for k in range(self.OCTAVES) for f in (torch.sin, torch.cos)]
        features = self.features(torch.cat([x, *waves], 1))
        one_hot = F.one_hot(camera, self.cameras).float()
        directions = F.normalize(normals, dim=-1), F.normalize(sight, dim=-1)
        return torch.sigmoid(self.shade(torch.cat([features, *directions, one_hot], 1)))


def pixels_of(recording: SyntheticRecording, chosen: np.ndarray) -> list[Pixels]:
    """Every seen pixel of skin and eyes in some frames."""
    person, seen, template = recording.person, recording.seen, recording.person.template
    shapes = Shapes(torch.from_numpy(person.neutral), torch.from_numpy(person.deltas))
    faces = torch.from_numpy(template.triangles).long()
    uvs, uv_faces = torch.from_numpy(template.uvs), torch.from_numpy(template.uv_triangles).long()
    material = torch.from_numpy(template.triangle_material).long()
    found = []
    for f in chosen.tolist():
        c, frame = int(seen.camera[f]), int(seen.frame[f])
        truth = recording.footage.truth[c]
        head = truth.world_from_head[frame]
        turn = torch.from_numpy(Rotation.from_matrix(head[:3, :3]).as_rotvec()).float()[None]
        weights = torch.from_numpy(truth.weights[frame : frame + 1])
        motion = Motion(weights, turn, torch.from_numpy(head[:3, 3]).float()[None])
        vertices, camera = shapes.posed(motion), seen.camera[f : f + 1]
        size = (seen.images.shape[1], seen.images.shape[2])
        out = rasterize(seen.views.clip(camera, vertices), faces, size)
        hit = out.tri_id[0] >= 0
        triangle, share = out.tri_id[0][hit], out.bary[0][hit][..., None]
        kept = material[triangle] < 2
        normal = (share * vertex_normals(vertices, faces)[0][faces[triangle]]).sum(1)
        place = (share * vertices[0][faces[triangle]]).sum(1)
        rest = (share * shapes.neutral[faces[triangle]]).sum(1)
        uv = (share * uvs[uv_faces[triangle]]).sum(1)
        colour = seen.images[f][hit].float() / 255
        parts = (
            material[triangle], uv, normal, seen.views.centres[camera] - place, rest,
            camera.expand(len(triangle)), colour,
        )  # fmt: skip
        found.append(tuple(part[kept] for part in parts))
    return found


def shown(model: nn.Module, pixels: Pixels) -> Tensor:
    material, uv, normal, sight, rest, camera, _ = pixels
    if isinstance(model, Neural):
        return model(rest, normal, sight, camera)
    return model(material, uv, normal, sight, camera)


def error(model: nn.Module, pixels: Pixels) -> Tensor:
    everywhere = torch.ones(1, 1, len(pixels[0]))
    return photometric_loss(shown(model, pixels)[None, None], pixels[-1][None, None], everywhere)


def learn(model: nn.Module, data: list[Pixels], seed: int) -> dict[str, float]:
    """Held-out error and milliseconds a step."""
    rate = 2e-3 if isinstance(model, Neural) else 0.02
    free = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(free, rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, STEPS)
    rng, begin = np.random.default_rng(seed), time.perf_counter()
    for _ in range(STEPS):
        chosen = rng.choice(len(data) - HELD_OUT, BATCH, replace=False)
        batch = tuple(torch.cat(part) for part in zip(*(data[i] for i in chosen), strict=True))
        loss = error(model, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    spent = 1000 * (time.perf_counter() - begin) / STEPS
    with torch.no_grad():
        left = np.mean([float(error(model, one)) for one in data[-HELD_OUT:]])
    return {"held out": float(left), "ms a step": spent}


def kinds(cameras: int) -> dict[str, nn.Module]:
    sizes = (len(MATERIALS), 256, cameras)
    return {
        "texture, harmonics": Matt(*sizes),
        "and harmonics of the mirrored sight": Glossy(*sizes),
        "and four highlights (mien)": Appearance(*sizes),
        "neural deferred shader": Neural(cameras),
    }


def main() -> None:
    if only_rendered(PAGES):
        return
    options = parser_of(__doc__).parse_args()
    template, take = load_template(options.ict), Clip.read(options.take)
    results: dict[str, dict[str, dict[str, float]]] = {}
    for seed in options.seeds:
        recording = recorded(template, take, 3, seed)
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(recording.seen.camera), FRAMES, replace=False)
        with torch.no_grad():
            data = pixels_of(recording, chosen)
        torch.manual_seed(seed)
        for name, model in kinds(3).items():
            results.setdefault(name, {})[str(seed)] = learn(model, data, seed)
            print(seed, name, results[name][str(seed)], flush=True)
        command = f"python tests/benchmarks/rig_appearance.py {options.take.name} ict_facekit/"
        write_results(RESULTS, "rig_appearance", command, {"results": results}, page)


def page(record: dict) -> str:
    columns = ("held out", "ms a step")
    rows = [
        [name, *(float(np.mean([r[c] for r in runs.values()])) for c in columns)]
        for name, runs in record["results"].items()
    ]
    return results_page(HEAD, ("appearance", *columns), rows, record["command"])


HEAD = f"""# What explains colours

Synthetic people at their true geometry before three cameras, 224 pixels: mean colour difference
(sRGB 0..1) on {HELD_OUT} frames that were not learnt from, after {STEPS} steps of {BATCH} frames.
Mean over seeds, one thread.
"""

PAGES = {"rig_appearance": page}

if __name__ == "__main__":
    main()
