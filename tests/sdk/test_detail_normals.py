"""Normals blend as slopes do, as the samples' shaders have it."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image
from support.packages import tiny_content
from support.wrinkles import REGIONS, SIDE, wrinkled_package

import mien
from mien.detail_normals import DetailNormals
from mien.errors import InputError, PackageError
from mien.package import package_bytes, read_package

MIXED = np.array([-1.0, 0.5, 0.25, -0.4], np.float32)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return wrinkled_package(tmp_path_factory.mktemp("normals") / "sphere.mien")


@pytest.fixture(scope="module")
def normals(path):
    return mien.load(path).detail_normals(SIDE)


def image(path, part):
    package = read_package(path)
    data = package.read_bytes(package.manifest.detail.find(part, "normal", SIDE).file)
    return np.asarray(Image.open(io.BytesIO(data)))


def test_at_rest_and_full_intensity_they_are_the_static_map(path, normals):
    full = DetailNormals(dataclasses.replace(normals.maps, intensity=1.0), normals.slopes)
    found = full.codes(np.zeros(len(REGIONS))).astype(int)
    # The map's own 8 bits leave its normals not quite of length 1.
    assert np.abs(found - image(path, "static")).max() <= 1


def test_slopes_add_up_by_the_shares_of_the_masks(path, normals):
    slopes = []
    for part in ("static", "compressed", "stretched"):
        n = image(path, part) / 127.5 - 1
        slopes.append(-n[..., :2] / n[..., 2:])
    pressed, pulled = (
        np.tensordot(np.maximum(sign * MIXED, 0), normals.maps.masks, 1) for sign in (-1, 1)
    )
    np.testing.assert_allclose(normals.maps.shares(MIXED), [pressed, pulled], atol=1e-6)
    slope = slopes[0] + pressed[..., None] * slopes[1] + pulled[..., None] * slopes[2]
    slope *= normals.maps.intensity
    expected = np.concatenate([-slope, np.ones((SIDE, SIDE, 1))], axis=-1)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    found = normals.codes(MIXED) / 127.5 - 1
    np.testing.assert_allclose(found, expected, atol=0.5 / 127.5 + 1e-6)
    assert np.ptp(found[..., 0]) > 0.1


def test_other_weights_and_characters_are_refused(normals):
    with pytest.raises(InputError, match="weights of shape"):
        normals.codes(np.zeros(3))
    with pytest.raises(InputError, match="has no skin detail"):
        mien.load(package_bytes(*tiny_content())).detail_normals()
    plain = read_package(package_bytes(*tiny_content()))
    with pytest.raises(InputError, match="has no skin detail"):
        DetailNormals.of(plain, normals.maps)


def test_a_package_without_normals_of_that_size_is_refused(path, normals):
    half = dataclasses.replace(normals.maps, static=normals.maps.static[::2, ::2])
    with pytest.raises(InputError, match="no normal map of 'static' of 16 texels"):
        DetailNormals.of(read_package(path), half)


def test_a_broken_image_is_named(path):
    package = read_package(path)
    name = package.manifest.detail.find("stretched", "normal", SIDE).file
    files = {n: package.read_bytes(n) for n in package.manifest.files} | {name: b"no image"}
    with pytest.raises(PackageError, match=name):
        mien.load(package_bytes(package.manifest, files)).detail_normals(SIDE)
