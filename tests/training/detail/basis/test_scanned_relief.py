"""A normal map becomes the relief that it was made of; a basis opens where it lacks some."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from mien.errors import InputError
from mien_training.detail.basis.scanned_relief import read_relief, widened


def test_what_is_left_open_grows_where_the_basis_lacks_something(small_basis):
    side = small_basis.size
    height = np.zeros((side, side), np.float32)
    height[12:20, 30:34] = 2e-4
    height[14:18] *= -1
    found = widened(small_basis, height)
    before, after = (
        small_basis.image(np.sqrt((b.rest**2).sum(1)))[0] for b in (small_basis, found)
    )
    assert (after >= before * (1 - 1e-3)).all()
    on_atlas = small_basis.image(np.ones(len(small_basis.texel), np.float32)) > 0
    grown = after > 1.5 * before
    assert grown[12:20, 30:34][on_atlas[12:20, 30:34]].any()
    assert not grown[44:].any()  # far below
    for a, b in zip(found.parts, small_basis.parts, strict=True):
        np.testing.assert_array_equal(a.modes, b.modes)
    flat = widened(small_basis, np.zeros((side, side), np.float32) + small_basis.image(
        small_basis.parts[0].mean))  # fmt: skip
    np.testing.assert_allclose(flat.rest, small_basis.rest, rtol=0.05, atol=3e-6)


def test_bad_files(tmp_path, anny):
    ball = trimesh.creation.icosphere(4)
    ball.export(tmp_path / "ball.ply")
    Image.new("RGB", (8, 8)).save(tmp_path / "normal.png")
    with pytest.raises(InputError, match=r"ball\.ply: no texture coordinates"):
        read_relief(tmp_path / "ball.ply", tmp_path / "normal.png", None, anny, 64)


def test_a_real_scan(shared_data, anny):
    folder = Path(shared_data("headscan_lps"))
    (folder / "normal.jpg").is_file()
    found = read_relief(
        folder / "LeePerrySmith.glb", folder / "normal.jpg", folder / "color.jpg", anny, 128
    )
    assert found.near.mean() > 0.9
    height = found.height.reshape(-1)[found.texel]
    assert 2e-5 < height.std() < 2e-3
    # Slopes of the integrated height along u are those of the map.
    along_u = 0.5 * 128 * (found.height[:, 2:] - found.height[:, :-2])
    image = np.zeros((128 * 128, 3))
    image[found.texel] = found.slopes
    directions = np.zeros((128 * 128, 3))
    directions[found.texel] = found.along[:, 0] / (found.along[:, 0] ** 2).sum(1)[:, None]
    given = (image * directions).sum(1).reshape(128, 128)[:, 1:-1]
    middle = np.s_[30:90, 30:98]
    assert np.corrcoef(along_u[middle].ravel(), given[middle].ravel())[0, 1] > 0.6
