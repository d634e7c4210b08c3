"""three.js's own loaders find the same Gaussians in all three files."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from support.browser import JS_FOLDER
from support.clouds import random_cloud

from mien.rotation import matrix_from_quaternion
from mien_exporters.avatar.splat_units import unit_rotations
from mien_exporters.avatar.splats_glb import splats_to_glb
from mien_exporters.avatar.splats_ply import splats_to_ply
from mien_exporters.avatar.splats_spz import splats_to_spz

COUNT = 40


@pytest.fixture(scope="module")
def cloud():
    return random_cloud(COUNT)


@pytest.fixture(scope="module")
def found(cloud, tmp_path_factory):
    if shutil.which("node") is None or not (JS_FOLDER / "node_modules" / "three").is_dir():
        pytest.skip("three is not installed (npm ci in tests/js)")
    files = {
        "a.glb": splats_to_glb(cloud), "a.ply": splats_to_ply(cloud),
        "2.spz": splats_to_spz(cloud, 2), "3.spz": splats_to_spz(cloud, 3),
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("splats")
    for name, data in files.items():
        (folder / name).write_bytes(data)
    command = ["node", str(JS_FOLDER / "splats.mjs"), *(str(folder / name) for name in files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return {path.rpartition("/")[2]: report for path, report in json.loads(done.stdout).items()}


@pytest.mark.parametrize(
    ("name", "place_m", "share", "codes"),
    [
        ("a.glb", 0.0, 1e-5, 1), ("a.ply", 0.0, 1e-5, 1),
        ("3.spz", 1e-6, 0.08, 2), ("2.spz", 1e-6, 0.4, 2),
    ],
)  # fmt: skip
def test_the_gaussians_are_the_same(cloud, found, name, place_m, share, codes):
    """Covariances to a share of the Gaussian's largest variance, colours to so many codes."""
    report = {key: np.array(values).reshape(COUNT, -1) for key, values in found[name].items()}
    assert np.abs(report["position"] - cloud.means).max() <= place_m
    axes = matrix_from_quaternion(unit_rotations(cloud)) * cloud.scales[:, None]
    wanted = (axes @ axes.transpose(0, 2, 1))[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
    largest = cloud.scales.max(1, keepdims=True) ** 2
    assert (np.abs(report["covariance"] - wanted) <= share * largest).all()
    bytes_ = 255 * np.column_stack([cloud.colours, cloud.opacities])
    assert np.abs(report["color"] - bytes_).max() <= codes
