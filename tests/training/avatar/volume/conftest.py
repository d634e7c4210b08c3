"""A small film of a head of balls, and avatars of it that have not learnt."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")


@pytest.fixture(scope="session")
def ball_atlas(head_template):
    from mien_training.avatar.anchors import AnchorAtlas

    return AnchorAtlas.of(head_template)


@pytest.fixture(scope="session")
def ball_film(head_template):
    """12 frames and 3 held out, 32 pixels: colours by place, the mouth's side darkens with
    jawOpen, the camera goes around the head."""
    from mien_training.avatar.film.avatar_film import AvatarFilm
    from mien_training.cameras import look_at_camera
    from mien_training.cameras.camera_batch import CameraBatch
    from mien_training.rendering.visibility import rasterize

    rng, count, side = np.random.default_rng(0), 15, 32
    weights = rng.random((count, 2)).astype(np.float32)
    cameras = [
        look_at_camera(
            np.array([0.9 * np.sin(a), 0.1 * b, 0.9 * np.cos(a)]), np.zeros(3), 0.26, side, side
        )
        for a, b in rng.uniform(-0.6, 0.6, (count, 2))
    ]
    images = np.zeros((count, side, side, 3), np.uint8)
    alpha = np.zeros((count, side, side), np.uint8)
    faces = torch.from_numpy(head_template.triangles.astype(np.int64))
    place = 0.5 + 0.4 * np.sin(60 * head_template.vertices)
    for n, camera in enumerate(cameras):
        v = head_template.vertices + np.tensordot(weights[n], head_template.shape_deltas, 1)
        shade = place * (1 - 0.6 * weights[n, 0] * (head_template.vertices[:, 1:2] < 0))
        clip = CameraBatch.of([camera]).clip(
            torch.zeros(1, dtype=torch.long), torch.from_numpy(v[None].astype(np.float32))
        )
        drawn = rasterize(clip, faces, (side, side))
        on = drawn.tri_id[0].numpy() >= 0
        corners = shade[head_template.triangles[drawn.tri_id[0].numpy().clip(0)]]
        colour = (corners * drawn.bary[0].numpy()[..., None]).sum(2)
        images[n] = np.where(on[..., None], 255 * colour.clip(0, 1), 90)
        alpha[n] = 255 * on
    return AvatarFilm(
        head_template, images, alpha, None, np.full((side, side, 3), 90, np.uint8),
        np.stack([c.K for c in cameras]), np.stack([c.camera_from_world for c in cameras]),
        weights, 12,
    )  # fmt: skip


@pytest.fixture(scope="session")
def untrained(ball_film, ball_atlas):
    """Call with options of VolumeConfig: an avatar with noise on its parameters."""
    from mien_training.avatar.volume.volume_avatar import VolumeAvatar
    from mien_training.avatar.volume.volume_config import VolumeConfig

    def make(**options):
        config = VolumeConfig(hair=False, **options)
        avatar = VolumeAvatar(ball_film.person, ball_film.codes([0]).shape[1], ball_atlas, config)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in avatar.parameters():
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
        return avatar.eval()

    return make
