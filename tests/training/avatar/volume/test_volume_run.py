"""What is packed draws what was learnt: every network through ONNX Runtime, and whole pictures."""

from dataclasses import replace

import numpy as np
import pytest
from support.packages import FEATURES, tiny_animator

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

import mien  # noqa: E402
from mien.avatar.playback.portrait import portrait  # noqa: E402
from mien.avatar.playback.volume_networks import VolumeNetworks  # noqa: E402
from mien.consent import Consent  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.rotation import IDENTITY, quaternion_from_matrix  # noqa: E402
from mien_exporters.avatar.volume.features_onnx import features_onnx  # noqa: E402
from mien_exporters.avatar.volume.volume_files import volume_entry, volume_files  # noqa: E402
from mien_exporters.avatar.volume.volume_run import (  # noqa: E402
    NETWORKS,
    read_volume_run,
    write_volume_run,
)
from mien_exporters.export import build_character  # noqa: E402
from mien_exporters.gltf_mesh import drop_still_shapes  # noqa: E402
from mien_training.avatar.film.avatar_film import AvatarFilm  # noqa: E402
from mien_training.avatar.volume.anchoring import Nearby  # noqa: E402
from mien_training.avatar.volume.volume_avatar import VolumeAvatar  # noqa: E402
from mien_training.avatar.volume.volume_config import SIZES, VolumeConfig  # noqa: E402
from mien_training.avatar.volume.volume_run import volume_run  # noqa: E402
from mien_training.head import rig_from_template  # noqa: E402

SIDE = 40
CONSENT = Consent("synthetic", "Random colours on the default head.")


@pytest.fixture(scope="module", autouse=True)
def thin():
    """Networks of other widths on another map than the anchors' atlas."""
    small = replace(SIZES["small"], widths=(4, 8, 8), features=8, width=16, map=128, samples=(7, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mien_training.avatar.volume.volume_config.SIZES", dict(SIZES, small=small))
        yield


@pytest.fixture(scope="module")
def film(anny):
    """Two frames of nothing: only what they say of the person is used."""
    shapes = len(anny.shape_names)
    black = np.zeros((2, 8, 8, 3), np.uint8)
    poses, weights = np.tile(np.eye(4), (2, 1, 1)), np.zeros((2, shapes), np.float32)
    return AvatarFilm(
        anny, black, black[..., 0], None, None, poses[:, :3, :3].copy(), poses, weights, 1
    )


def made(film, atlas, **options):
    avatar = VolumeAvatar(film.person, len(film.person.shape_names) + 6, atlas,
                          VolumeConfig(**options))  # fmt: skip
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in avatar.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return avatar.eval()


@pytest.fixture(scope="module")
def packed(film, anny_atlas, tmp_path_factory):
    """(avatar, run read back, character)"""
    folder = tmp_path_factory.mktemp("volume")
    avatar = made(film, anny_atlas)
    write_volume_run(folder / "run", volume_run(film, anny_atlas, avatar, CONSENT, {}, {}))
    run = read_volume_run(folder / "run")
    rig = drop_still_shapes(rig_from_template(film.person, "Anny")[0])
    path = build_character(
        folder / "anny.mien", rig, tiny_animator(channels=len(rig.shape_names)),
        channels=rig.shape_names, features=FEATURES, licence="CC0-1.0", consent=CONSENT, volume=run,
    )  # fmt: skip
    return avatar, run, mien.load(path)


def weights_of(person, character, seed):
    """(C,) channels of the character, and (K,) of the person."""
    channels = np.random.default_rng(seed).random(len(character.channel_names)) ** 4
    at = {name: k for k, name in enumerate(character.channel_names)}
    return channels.astype(np.float32), np.array(
        [channels[at[name]] if name in at else 0.0 for name in person.shape_names], np.float32
    )


def frame_of(character, channels):
    still = IDENTITY.astype(np.float32)
    return mien.Frame(
        0.0, character.channel_names, channels, still, np.zeros(3, np.float32), still, still,
        np.zeros(0, np.float32), 1.0,
    )  # fmt: skip


def seen_in_training(avatar, person, weights, camera):
    posed = person.vertices + np.tensordot(weights, person.shape_deltas, 1)
    codes = np.concatenate([weights, np.asarray(camera.camera_from_world)[:3, :2].ravel()])
    v, c = (torch.from_numpy(a[None].astype(np.float32)) for a in (posed, codes))
    return avatar, v, c


@pytest.mark.parametrize("seed", [0, 1])
def test_pictures_are_those_of_training(packed, anny, seed):
    avatar, _, character = packed
    camera = portrait(character.rig, SIDE, SIDE)
    channels, weights = weights_of(anny, character, seed)
    found = character.avatar("volume").image(frame_of(character, channels), camera, SIDE, SIDE)
    _, v, c = seen_in_training(avatar, anny, weights, camera)
    apart = 255 * np.abs(found.premultiplied - avatar.image(v, c, camera, SIDE).numpy())
    assert found.premultiplied[..., 3].mean() > 0.3
    assert apart.mean() < 0.05 and np.quantile(apart, 0.99) < 1 and apart.max() < 30


@pytest.mark.parametrize("network", NETWORKS)
def test_features_are_the_networks(packed, film, anny_atlas, network, anny):
    _, _, character = packed
    avatar = made(film, anny_atlas, network=network, hair=network == "codes")
    run = volume_run(film, anny_atlas, avatar, CONSENT, {}, {})
    # Channels in another order, one that the network does not know, the rest of its own left out.
    known = character.channel_names[:9][::-1]
    entry = volume_entry(run, (*known, "earWiggle"))
    channels = np.append(np.linspace(0.1, 0.9, 9), 7.0).astype(np.float32)
    at = dict(zip(known, channels, strict=False))
    weights = np.array([at.get(name, 0.0) for name in anny.shape_names], np.float32)
    moved = np.tensordot(weights, anny.shape_deltas, 1).astype(np.float32)
    source = rig_from_template(anny, "Anny")[1]
    camera = portrait(character.rig, 8, 8)
    turn = 1.7 * quaternion_from_matrix(np.asarray(camera.camera_from_world)[:3, :3])
    networks = VolumeNetworks(entry, {"features": features_onnx(run, entry)})
    coarse, fine = networks.features(channels, turn, moved[source])
    codes = np.concatenate([weights, camera.camera_from_world[:3, :2].ravel()]).astype(np.float32)
    with torch.no_grad():
        image = avatar.map_anchors.image(avatar.map_anchors.interpolate(torch.from_numpy(moved)))
        maps = avatar.static + avatar.network(image[None], torch.from_numpy(codes[None]))
        table = avatar.anchoring.table(maps)[0]
        for net, found in ((avatar.coarse, coarse), (avatar.fine, fine)):
            wanted = net.of_features(table) + net.of_offset.bias
            assert wanted.std() > 0.01
            np.testing.assert_allclose(found, wanted.numpy(), atol=1e-4, rtol=1e-4)


def test_fields_are_the_networks(packed):
    avatar, run, _ = packed
    files, entry = volume_files(run, run.channel_names)
    networks = VolumeNetworks(
        entry, {name: files[entry.files[name]] for name in ("coarse", "field")}
    )
    rng, count = np.random.default_rng(3), 50
    index = rng.integers(entry.anchors, size=(count, 4))
    table = rng.normal(0, 1, (entry.anchors, 8)).astype(np.float32)
    offsets = rng.normal(0, 0.02, (count, 4, 3)).astype(np.float32)
    shares = rng.dirichlet(np.ones(4), count).astype(np.float32)
    heights = rng.normal(0, 0.01, count).astype(np.float32)
    presence = rng.random(count).astype(np.float32)
    view = rng.normal(0, 1, (count, 3)).astype(np.float32)
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    near = Nearby(
        torch.from_numpy(index)[..., None], None, *(
            torch.from_numpy(a) for a in (offsets, shares, heights, presence)
        )
    )  # fmt: skip
    for net, name in ((avatar.coarse, "coarse"), (avatar.fine, "field")):
        with torch.no_grad():
            wanted, colour = net(near, torch.from_numpy(table), torch.from_numpy(view))
            features = (net.of_features(torch.from_numpy(table)) + net.of_offset.bias).numpy()
        told = (offsets, features[index], shares, heights, presence)
        if name == "coarse":
            found = networks.coarse(*told)
        else:
            found, seen = networks.field(*told, view)
            np.testing.assert_allclose(seen, colour.numpy(), atol=1e-4)
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("options", [{"anchoring": "surface"}, {"posed": False}])
def test_what_is_for_comparison_is_not_packed(film, anny_atlas, options):
    avatar = VolumeAvatar(film.person, 58, anny_atlas, VolumeConfig(hair=False, **options))
    with pytest.raises(InputError, match="only one of anchoring `nearest`"):
        volume_run(film, anny_atlas, avatar, CONSENT, {}, {})
