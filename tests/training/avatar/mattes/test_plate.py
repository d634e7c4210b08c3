"""A disc that moves before a wall: coverage and wall are found; a moving camera gives nothing."""

import numpy as np
import pytest
from scipy import ndimage

from mien_training.avatar.film.even_frames import even_frames
from mien_training.avatar.mattes.plate import plate_mattes

COUNT, SIDE, RADIUS, BAND = 40, 64, 12.0, 10.0
HEAD = np.array([200.0, 120.0, 90.0])


def discs(reach, wide=10.0):
    """(T, S, S) coverage of discs of this radius whose centres move to and fro."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    phase = np.linspace(0, 4 * np.pi, COUNT)[:, None, None]
    away = np.hypot(x - 32 - wide * np.sin(phase), y - 32 - 0.4 * wide * np.cos(0.7 * phase))
    return np.clip(reach - away + 0.5, 0, 1)


def walls(texture=0.0, drift=0.0):
    """(T, S, S, 3) a wall that gets brighter to the right, with `texture` codes of a pattern that
    moves by `drift` pixels a frame."""
    rng = np.random.default_rng(1)
    pattern = ndimage.gaussian_filter(rng.normal(size=(SIDE, 4 * SIDE)), 1.5)
    pattern *= texture / pattern.std()
    rows = []
    for frame in range(COUNT):
        start = round(drift * frame)
        rows.append(90 + 0.3 * np.arange(SIDE) + pattern[:, start : start + SIDE])
    return np.repeat(np.stack(rows)[..., None], 3, -1)


def filmed(wall, noise=1.0):
    alpha = discs(RADIUS + 4)  # hair of four pixels around the mesh
    image = alpha[..., None] * HEAD + (1 - alpha[..., None]) * wall
    image += np.random.default_rng(2).normal(0, noise, image.shape)
    return np.rint(image.clip(0, 255)).astype(np.uint8), alpha, discs(RADIUS) > 0.5


@pytest.mark.parametrize("texture", [0.0, 20.0])
def test_coverage_and_wall_are_found(texture):
    wall = walls(texture)
    images, alpha, covered = filmed(wall)
    found = plate_mattes(images, covered, BAND)
    seen = (discs(RADIUS + BAND + 1) == 0).sum(0) >= 8
    assert seen.mean() > 0.5
    assert np.abs(found.plate - wall[0])[seen].max() < 4
    known = found.known
    assert known.mean() > 0.85
    error = np.abs(found.alpha / 255 - alpha)
    assert error[known].mean() < 0.01 and np.quantile(error[known], 0.98) < 0.1
    hair = (alpha > 0.99) & ~covered
    assert known[hair & (seen | (texture == 0))].mean() > 0.8
    assert (found.alpha[hair & known] > 200).mean() > 0.97
    inside = ndimage.binary_erosion(covered, np.ones((1, 3, 3)), iterations=3)
    assert (found.alpha[inside] == 255).all() and known[inside].all()


def test_a_plain_wall_goes_on_behind_a_head_that_stays():
    """What was never seen is continued, where the wall is plain; else nothing is claimed of it."""
    still = discs(RADIUS + 4, 0.0)
    covered = discs(RADIUS, 0.0) > 0.5
    ring = (still > 0.99) & ~covered
    for texture, plain in ((0.0, True), (20.0, False)):
        wall = walls(texture)
        images = np.rint(still[..., None] * HEAD + (1 - still[..., None]) * wall).astype(np.uint8)
        found = plate_mattes(images, covered, BAND)
        assert (found.known[ring].mean() > 0.8) == plain
        if plain:
            assert np.abs(found.plate - wall[0]).max() < 12
            assert (found.alpha[ring] > 250).mean() > 0.9
        else:
            assert not found.known[ring].any()
            assert (found.plate[32, 32] == 128).all()


def test_a_long_film_is_that_of_some_of_its_frames(monkeypatch):
    """The plate is; coverage is told of every frame."""
    images, _, covered = filmed(walls(20.0))
    monkeypatch.setattr("mien_training.avatar.mattes.plate._LOOKED_AT", 20)
    some = even_frames(COUNT, 20)
    whole, short = (
        plate_mattes(images, covered, BAND),
        plate_mattes(images[some], covered[some], BAND),
    )
    np.testing.assert_array_equal(whole.plate, short.plate)
    np.testing.assert_array_equal(whole.alpha[some], short.alpha)
    assert whole.alpha.shape == (COUNT, SIDE, SIDE)


def test_a_moving_camera_gives_nothing():
    images, _, covered = filmed(walls(40.0, drift=1.0))
    assert plate_mattes(images, covered, BAND) is None


def test_a_head_that_fills_the_image_gives_nothing():
    images, _, covered = filmed(walls())
    assert plate_mattes(images, np.ones_like(covered), BAND) is None


def test_what_has_the_walls_colour_is_not_claimed_for_sure():
    """Hair as bright as the wall: no pixel of it is told to be head."""
    wall = walls()
    images, alpha, covered = filmed(wall)
    hair = (alpha > 0.5) & ~ndimage.binary_dilation(covered, np.ones((1, 3, 3)))
    images[hair] = np.rint(wall[hair] + 6)
    found = plate_mattes(images, covered, BAND)
    assert (found.alpha[hair] < 200).mean() > 0.8
