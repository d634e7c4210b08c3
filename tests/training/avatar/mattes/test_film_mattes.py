"""Mattes that are given are taken; else a net's, checked by the wall, if there is one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from mien.errors import InputError
from mien_training.avatar.film.mesh_masks import MeshMasks, mesh_masks
from mien_training.avatar.film.read_film import read_film
from mien_training.avatar.mattes.film_mattes import matted
from mien_training.footage.own_footage import own_footage
from mien_training.runs.progress import ProgressBars
from mien_training.templates.person import read_person

FEW = slice(8)


@pytest.fixture(scope="module")
def world(filmed):
    film, crops = read_film(read_person(filmed.rig)[0], own_footage(filmed.rig), 128)
    return film, crops, mesh_masks(film)


def make(world, mattes=None, crops=None):
    film, own, masks = world
    with ProgressBars(True) as bars:
        return matted(film, own if crops is None else crops, masks, mattes, bars)


@pytest.fixture(scope="module")
def plain(world):
    film, way = make(world)
    assert way == "net and plate"
    return film


def test_a_plain_wall_is_enough(world, plain):
    from support.avatar_films import WALL

    film = plain
    assert np.abs(film.plate.astype(int) - WALL).max() < 8
    assert film.known.mean() > 0.9
    covered = world[2].covered
    assert (film.alpha[covered & film.known] > 127).mean() > 0.98
    # The bob has its hair beside the mesh.
    assert ((film.alpha > 127) & ~covered).sum() > 0.02 * covered.sum()


def test_given_ones_are_taken_frame_by_frame(world, plain, filmed, tmp_path):
    for number, alpha in enumerate(filmed.truth.alpha):
        Image.fromarray(np.rint(255 * alpha).astype(np.uint8)).save(tmp_path / f"{number:03}.png")
    film, way = make(world, tmp_path)
    assert way == "given" and film.known is None and film.plate is None
    found = plain
    error, other = (
        np.abs(film.alpha.astype(float) - alpha)[found.known].mean()
        for alpha in (found.alpha, found.alpha[::-1])
    )
    assert error < 0.015 * 255 and error < 0.3 * other


def test_given_ones_are_of_one_camera(world):
    (crop,) = world[1]
    with pytest.raises(InputError, match=r"mattes of one film, .* 2 cameras; leave --mattes out"):
        make(world, Path("mattes"), crops=(crop, crop))


@pytest.mark.parametrize("reason", ["several cameras", "a background that moves"])
def test_else_a_net_tells(world, plain, reason):
    film, crops, masks = world
    alpha = plain.alpha[FEW]
    film = replace(
        film, images=film.images[FEW], K=film.K[FEW], camera_from_rig=film.camera_from_rig[FEW],
        weights=film.weights[FEW], training=6,
    )  # fmt: skip
    masks = MeshMasks(masks.covered[FEW], masks.looked_at[FEW], masks.mouth[FEW])
    if reason == "several cameras":
        crops = (*crops, *crops)
    else:
        rng = np.random.default_rng(0)
        away = ~np.stack([ndimage.binary_dilation(a > 0, iterations=3) for a in alpha])
        shades = rng.integers(0, 255, (len(film), 1, 1, 3), np.uint8)
        film = replace(film, images=np.where(away[..., None], shades, film.images))
    found, way = make((film, crops, masks))
    assert way == "net" and found.plate is None
    sure = plain.known[FEW] & found.known
    assert sure.mean() > 0.8
    assert np.abs(alpha.astype(float) - found.alpha)[sure].mean() < 0.05 * 255
    assert ((found.alpha > 127) & ~masks.covered).sum() > 0.02 * masks.covered.sum()
