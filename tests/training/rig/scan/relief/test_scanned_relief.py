"""A normal map becomes the relief that it was made of."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from mien.errors import InputError
from mien_training.footage.scanned.scan import read_scan
from mien_training.rig.scan.registration import ScanFitConfig, register_scan
from mien_training.rig.scan.relief.scanned_relief import relief_of_scan
from mien_training.rig.scan.scan_landmarks import find_landmarks


def test_a_scan_without_texture_coordinates(tmp_path, anny):
    trimesh.creation.icosphere(4).export(tmp_path / "ball.ply")
    scan = read_scan(tmp_path / "ball.ply")
    with pytest.raises(InputError, match=r"ball\.ply: no texture coordinates, .* normal\.png"):
        relief_of_scan(scan, tmp_path / "normal.png", None, anny, 64)


def test_a_real_scan(shared_data, anny, tmp_path):
    folder = Path(shared_data("headscan_lps"))
    scan = read_scan(folder / "LeePerrySmith.glb", None, folder / "color.jpg")
    landmarks = find_landmarks(scan, anny)
    fit = register_scan(scan, anny, ScanFitConfig(scalp=1.0), landmarks)
    scan = landmarks.scan
    (tmp_path / "no.png").write_bytes(b"PNG")
    with pytest.raises(InputError, match=r"no\.png: not a normal map"):
        relief_of_scan(scan, tmp_path / "no.png", fit, anny, 128)
    found = relief_of_scan(scan, folder / "normal.jpg", fit, anny, 128)
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
