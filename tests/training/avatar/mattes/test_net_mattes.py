"""The shipped net tells hair from backgrounds that change; files that are no net are refused."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.avatar.mattes.composites import composite_over, linear
from mien_training.avatar.mattes.mesh_hints import HINTS
from mien_training.avatar.mattes.net_mattes import MattingModel, default_matting, net_mattes
from mien_training.synthetic.avatar.backdrops import draw_backdrop
from mien_training.templates.person import read_person

FRAMES = 4


@pytest.fixture(scope="module")
def moving(filmed):
    """Images (T, S, S, 3) with a new background each, coverage 0..1, and what the mesh covers."""
    from support.avatar_films import WALL

    truth, camera, rng = filmed.truth, filmed.camera, np.random.default_rng(0)
    wall = linear(np.array(WALL, np.uint8))
    images = []
    for image, alpha in zip(truth.images[:FRAMES], truth.alpha[:FRAMES], strict=True):
        colour = linear(image) - (1 - alpha[..., None]) * wall
        images.append(composite_over(colour, alpha, draw_backdrop(rng, *alpha.shape)))
    film = AvatarFilm(
        read_person(filmed.rig)[0], np.stack(images), None, None, None,
        np.tile(camera.K, (FRAMES, 1, 1)),
        camera.camera_from_world @ truth.world_from_head[:FRAMES], truth.weights[:FRAMES], FRAMES,
    )  # fmt: skip
    return film.images, truth.alpha[:FRAMES], mesh_masks(film).covered


def test_it_beats_the_mesh_and_knows_where(moving):
    images, alpha, covered = moving
    found = net_mattes(images, covered)
    error, mesh = np.abs(found.alpha / 255 - alpha), np.abs(covered - alpha)
    assert error.mean() < 0.7 * mesh.mean()
    assert found.known.mean() > 0.8
    assert error[found.known].mean() < 0.3 * error[~found.known].mean()


def test_large_images_are_told_as_small_ones(moving):
    images, _, covered = moving
    small = net_mattes(images[:1], covered[:1])
    large = net_mattes(*(a[:1].repeat(3, 1).repeat(3, 2) for a in (images, covered)))
    assert large.alpha.shape == (1, 384, 384)
    both = np.abs(large.alpha[:, 1::3, 1::3].astype(float) - small.alpha)
    assert both.mean() < 0.02 * 255


def test_sides_need_not_be_multiples(net_file):
    model = MattingModel(net_file)
    told = np.random.default_rng(0).uniform(-1, 1, (HINTS, 17, 30)).astype(np.float32)
    assert model(told).shape == (2, 17, 30)
    with pytest.raises(InputError, match="hints"):
        model(told[:4])


def test_it_comes_along_and_is_small():
    assert default_matting().size_bytes < 2_000_000


def test_what_is_no_net(net_file, tmp_path):
    data = net_file.read_bytes()
    (tmp_path / "half.onnx").write_bytes(data[: len(data) // 2])
    (tmp_path / "other.onnx").write_bytes(data.replace(b"mien.matting 1", b"mien.matting 9"))
    for name, words in (("missing", "cannot be read"), ("half", "cannot load"), ("other", "not a")):
        with pytest.raises(InputError, match=rf"{name}\.onnx: .*{words}"):
            MattingModel(tmp_path / f"{name}.onnx")
