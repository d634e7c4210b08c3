"""A basis gives back what it was made of, by itself, from its file and from its coefficients."""

import io
from importlib.resources import files

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.detail.basis.detail_basis import (
    PARTS,
    DetailBasis,
    default_basis,
    joint_basis,
    principal_components,
)
from mien_training.detail.wrinkle_regions import REGION_NAMES

SIDE, PEOPLE = 16, 200
TEXEL = np.arange(20, 220, dtype=np.int32)


def orthonormal(count, rng):
    return np.linalg.qr(rng.normal(size=(len(TEXEL), count)))[0].T


@pytest.fixture(scope="module")
def known():
    """Codes (P, 5), two of each dynamic part's first correlated, and the heights of them."""
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(PEOPLE, 5))
    codes[:, 2] = 0.9 * codes[:, 0] + np.sqrt(1 - 0.9**2) * codes[:, 2]
    counts, start, parts = (2, 2, 1), 0, []
    for count in counts:
        modes = orthonormal(count, rng) * np.array([2e-3, 1e-3])[:count, None]
        mean = 1e-4 * rng.normal(size=len(TEXEL))
        parts.append(mean + codes[:, start : start + count] @ modes)
        start += count
    return codes, np.stack(parts, 1).astype(np.float32), counts


@pytest.fixture(scope="module")
def one_region(known):
    return joint_basis(SIDE, TEXEL, known[1], np.ones((1, len(TEXEL)), np.float32), known[2])


def test_few_modes_say_all_that_was_made_of_as_few(known, one_region):
    for k, part in enumerate(one_region.parts):
        heights = known[1][:, k]
        found = part.heights(part.coefficients(heights))
        assert np.abs(found - heights).max() < 0.01 * np.abs(heights - heights.mean(0)).max()
    assert np.abs(one_region.rest).max() < 5e-5


def test_parts_hang_together_as_they_did(known, one_region):
    link = one_region.link[0].astype(np.float64)
    covariance = link @ link.T
    np.testing.assert_allclose(np.diag(covariance), 1, atol=0.02)
    truth = np.abs(np.corrcoef(known[0].T))
    np.testing.assert_allclose(np.abs(covariance)[0, 2], truth[0, 2], atol=0.05)
    assert np.abs(covariance[np.ix_([1], [2, 3, 4])]).max() < 0.25
    assert not np.triu(link, 1).any()


def test_heights_and_coefficients_are_inverse(one_region):
    codes = np.random.default_rng(1).normal(size=(4, 2))
    part = one_region.parts[0]
    np.testing.assert_allclose(part.coefficients(part.heights(codes)), codes, atol=0.01)
    np.testing.assert_allclose(part.coefficients(part.heights(codes[0])), codes[0], atol=0.01)
    np.testing.assert_array_equal(part.heights(np.zeros(2)), part.mean)


def test_regions_have_modes_within_themselves(known):
    masks = np.zeros((2, len(TEXEL)), np.float32)
    masks[0, :100], masks[1, 100:] = 1, 1
    basis = joint_basis(SIDE, TEXEL, known[1], masks, known[2])
    assert basis.link.shape == (2, 5, 5)
    for count, part in zip(known[2], basis.parts, strict=True):
        assert part.modes.shape == (2 * count, len(TEXEL))
        assert not part.modes[:count, 100:].any() and not part.modes[count:, :100].any()
        np.testing.assert_allclose(part.mean, known[1].mean(0)[basis.parts.index(part)], atol=1e-8)


@pytest.mark.parametrize("shape", [(30, 50), (50, 30)])
def test_principal_components_are_orthogonal_with_the_deviations_as_lengths(shape):
    heights = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    mean, modes = principal_components(heights, 40)
    np.testing.assert_allclose(mean, heights.mean(0), atol=1e-6)
    assert modes.shape == (40, shape[1])
    square = modes.astype(np.float64) @ modes.T
    np.testing.assert_allclose(square - np.diag(np.diag(square)), 0, atol=1e-4)
    values = np.linalg.svd(heights - heights.mean(0), compute_uv=False) ** 2 / (shape[0] - 1)
    np.testing.assert_allclose(np.diag(square)[:20], values[:20], rtol=1e-4)
    whole = np.cov(heights.T)
    np.testing.assert_allclose(modes.T @ modes, whole, atol=1e-4)


def test_images_show_heights_at_their_texels(one_region):
    heights = np.random.default_rng(3).normal(size=(2, len(TEXEL)))
    image = one_region.image(heights).reshape(2, -1)
    np.testing.assert_allclose(image[:, TEXEL], heights, atol=1e-6)
    assert not np.delete(image, TEXEL, 1).any()


def test_a_file_holds_it_within_a_step(small_basis, tmp_path):
    small_basis.save(tmp_path / "basis.npz")
    found = DetailBasis.load(tmp_path / "basis.npz")
    assert found.size == small_basis.size
    np.testing.assert_array_equal(found.texel, small_basis.texel)
    pairs = [(found.link, small_basis.link), (found.rest, small_basis.rest)]
    for a, b in zip(found.parts, small_basis.parts, strict=True):
        pairs += [(a.mean[None], b.mean[None]), (a.modes, b.modes)]
    for there, here in pairs:
        assert there.shape == here.shape and there.dtype == np.float32
        reach = 2 if here is small_basis.rest else 1
        axes = tuple(range(reach, here.ndim))
        step = np.abs(here).max(axes, keepdims=True) / 127
        assert (np.abs(there - here) <= 0.501 * step + 1e-12).all()


def damage(content, way):
    middle = len(content) // 2
    array = io.BytesIO()
    np.save(array, np.zeros(4))
    return {
        "cut": content[:middle],
        "bent": content[:middle] + bytes(b ^ 0x5A for b in content[middle : middle + 64])
        + content[middle + 64 :],
        "text": b"nothing of the sort",
        "empty": b"", "array": array.getvalue(),
    }[way]  # fmt: skip


@pytest.mark.parametrize("way", ["cut", "bent", "text", "empty", "array"])
def test_damaged_files_are_refused_by_name(one_region, tmp_path, way):
    path = tmp_path / "bent.npz"
    one_region.save(path)
    path.write_bytes(damage(path.read_bytes(), way))
    with pytest.raises(InputError, match=r"bent\.npz: "):
        DetailBasis.load(path)


def test_missing_and_foreign_files_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz: not there; expected a detail basis"):
        DetailBasis.load(tmp_path / "none.npz")
    for content in ({"size": np.array(3)}, {"format": np.array(99)}):
        np.savez(tmp_path / "other.npz", **content)
        with pytest.raises(InputError, match=r"other\.npz: not a detail basis of this version"):
            DetailBasis.load(tmp_path / "other.npz")
    np.savez(tmp_path / "bare.npz", format=np.array(1))
    with pytest.raises(InputError, match=r"bare\.npz: damaged"):
        DetailBasis.load(tmp_path / "bare.npz")


def test_one_comes_with_mien():
    basis = default_basis()
    assert basis is default_basis() and basis.size == 256
    assert len(basis.link) == len(REGION_NAMES)
    path = files("mien_training.detail.basis") / "default_basis.npz"
    assert len(path.read_bytes()) < 10e6
    for part in basis.parts:
        assert part.modes.shape[1] == len(basis.texel) == basis.rest.shape[-1]
        assert np.isfinite(part.modes).all() and 1e-5 < np.abs(part.mean).max() < 3e-3
    assert len(basis.parts) == len(PARTS)
