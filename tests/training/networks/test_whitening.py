"""Whitened features are comparable, and what is noise stays small."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.networks.whitening import whiten

GROUPS = (("scores", 52), ("head_rotation", 3), ("dt", 1))
KEPT = {"scores": 40, "head_rotation": 3, "dt": 1}


def frames(n: int) -> np.ndarray:
    """(n, 56) features that vary along few directions, with little noise, as faces do."""
    rng = np.random.default_rng(0)
    mixing = np.random.default_rng(99).normal(0, 1, (12, 56))
    x = rng.normal(0, 1, (n, 12)) @ mixing + rng.normal(0, 0.05, (n, 56))
    return (x * np.linspace(0.01, 2, 56) + 0.3).astype(np.float32)


def test_whitened_components_are_uncorrelated_and_no_larger_than_one() -> None:
    x = frames(4000)
    mean, projection = whiten(x, GROUPS, KEPT, noise_floor=0.0)
    assert projection.shape == (56, 44)
    scores = ((x - mean) @ projection)[:, :12]
    np.testing.assert_allclose(np.cov(scores.T), np.eye(12), atol=2e-2)
    floored = (x - mean) @ whiten(x, GROUPS, KEPT)[1]
    assert floored.std(axis=0).max() < 1.001
    # Past the twelve true directions there is noise alone, and the floor keeps it small.
    assert floored[:, 12:40].std(axis=0).max() < 0.5 < floored[:, :12].std(axis=0).min()


def test_whitening_keeps_groups_apart_and_units_out() -> None:
    x = frames(300)
    mean, projection = whiten(x, GROUPS, KEPT)
    assert not projection[:52, 40:].any() and not projection[52:, :40].any()
    scaled, matrix = whiten(x * np.float32(100), GROUPS, KEPT)
    np.testing.assert_allclose(scaled, mean * 100, rtol=1e-4)
    np.testing.assert_allclose(matrix * 100, projection, rtol=1e-3, atol=1e-3)


def test_what_never_varied_has_no_weight() -> None:
    x = frames(200)
    x[:, 55] = 0.25
    projection = whiten(x, GROUPS, KEPT)[1]
    assert not projection[55].any() and np.isfinite(projection).all()


def test_whitening_refuses_what_does_not_fit() -> None:
    with pytest.raises(InputError, match=r"expected \(N, 55\)"):
        whiten(frames(9), GROUPS[:2], KEPT)
    with pytest.raises(InputError, match=r"no number of components for \['dt'\]"):
        whiten(frames(9), GROUPS, {"scores": 3, "head_rotation": 3})
    bad = frames(9)
    bad[3, 3] = np.nan
    with pytest.raises(InputError, match="not finite"):
        whiten(bad, GROUPS, KEPT)
