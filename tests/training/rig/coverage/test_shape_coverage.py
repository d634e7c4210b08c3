"""Which shapes footage says something about, and what happens to the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import InputError
from mien_training.rig.coverage.shape_coverage import ShapeCoverage, apply_coverage, shape_coverage

FRAMES, VERTICES = 120, 30


def patches(*ranges: tuple[int, int]) -> np.ndarray:
    """Shapes that move vertices first..last by a centimetre."""
    deltas = np.zeros((len(ranges), VERTICES, 3), np.float32)
    for k, (first, last) in enumerate(ranges):
        deltas[k, first:last, 1] = 0.01
    return deltas


def waves(count: int, seed: int = 0) -> np.ndarray:
    """Independent smooth weights in 0..1."""
    rng = np.random.default_rng(seed)
    t = np.arange(FRAMES)[:, None] / FRAMES
    phase, speed = rng.uniform(0, 6, count), np.arange(2, 2 + count)
    return (0.5 + 0.5 * np.sin(2 * np.pi * speed * t + phase)).astype(np.float32)


def names(count: int) -> list[str]:
    return [f"shape{k}" for k in range(count)]


def covered(name: str, evidence_weight: float) -> ShapeCoverage:
    return ShapeCoverage(
        name,
        evidence_weight,
        0.1,
        1.0,
        1.0,
        None,
        evidence_weight,
        "" if evidence_weight == 1 else "strength",
    )


def test_independent_shapes_are_observed_and_unused_ones_unobserved():
    weights = np.c_[waves(2), np.zeros(FRAMES), np.full(FRAMES, 0.05)]
    found = shape_coverage(names(4), patches(*[(0, 10)] * 4), weights, duration_s=4.0)
    assert [c.verdict for c in found] == ["observed", "observed", "unobserved", "unobserved"]
    first, unused = found[0], found[2]
    assert first.active_s == pytest.approx(4.0 * (weights[:, 0] > 0.3).mean())
    assert first.peak == pytest.approx(weights[:, 0].max()) and first.shortage == ""
    assert (
        unused.evidence_weight == 0 and unused.separability == 0 and unused.shortage == "strength"
    )


def test_twins_at_one_place_are_not_told_apart_but_at_two_places_are():
    twin = np.repeat(waves(1), 2, 1)
    for c in shape_coverage(names(2), patches((0, 10), (0, 10)), twin):
        assert c.verdict == "partial" and c.shortage == "separation" and c.separability < 0.02
    partners = [c.partner for c in shape_coverage(names(2), patches((0, 10), (0, 10)), twin)]
    assert partners == ["shape1", "shape0"]
    apart = shape_coverage(names(2), patches((0, 10), (10, 20)), twin)
    assert all(c.verdict == "observed" and c.separability > 0.98 for c in apart)
    half = shape_coverage(names(2), patches((0, 10), (5, 15)), twin)
    assert all(0.4 < c.separability < 0.6 for c in half)


def test_a_shape_that_two_others_add_up_to_is_not_told_apart():
    pair = waves(2) / 2
    found = shape_coverage(names(3), patches(*[(0, 10)] * 3), np.c_[pair, pair.sum(1)])
    assert all(c.shortage == "separation" for c in found)


def test_a_constant_weight_is_the_neutral():
    found = shape_coverage(names(1), patches((0, 10)), np.full((FRAMES, 1), 0.9))
    assert found[0].evidence_weight == 0 and found[0].own_frames == 0


def test_own_frames_are_the_inverse_variance_of_least_squares():
    weights = waves(3, 4) @ np.float32([[1, 0.6, 0], [0, 0.4, 0.5], [0, 0, 0.5]])
    found = shape_coverage(names(3), patches(*[(0, 10)] * 3), weights)
    design = np.c_[weights.astype(np.float64), np.ones(FRAMES)]
    variance = np.diag(np.linalg.inv(design.T @ design))[:3]
    np.testing.assert_allclose(
        [c.own_frames for c in found], 1 / variance, rtol=0.05
    )  # weights count as noisy


def test_what_the_region_hides_is_never():
    region = np.arange(VERTICES) < 10
    found = shape_coverage(names(2), patches((0, 10), (10, 20)), waves(2), region)
    assert [c.verdict for c in found] == ["observed", "unobserved"]
    assert found[1].shortage == "hidden"


@given(st.permutations(range(6)))
def test_permuting_shapes_permutes_verdicts(order):
    weights = np.c_[waves(3), waves(1) * 0.9 + 0.05, np.zeros(FRAMES), 0.2 * waves(1, 3)]
    deltas = patches((0, 10), (5, 15), (8, 20), (0, 12), (0, 10), (3, 9))
    straight = {c.name: c for c in shape_coverage(names(6), deltas, weights)}
    order = list(order)
    mixed = shape_coverage([names(6)[i] for i in order], deltas[order], weights[:, order])
    for c in mixed:
        same = straight[c.name]
        assert (c.verdict, c.partner, c.shortage) == (same.verdict, same.partner, same.shortage)
        assert c.evidence_weight == pytest.approx(same.evidence_weight, abs=1e-6)


def test_evidence_grows_with_strength_without_a_jump():
    wave = waves(1)
    evidence_weight = [
        shape_coverage(names(1), patches((0, 10)), s * wave)[0].evidence_weight
        for s in np.linspace(0, 1, 60)
    ]
    assert evidence_weight[0] == 0 and evidence_weight[-1] == 1
    assert (np.diff(evidence_weight) >= 0).all() and np.diff(evidence_weight).max() < 0.15


def test_only_shapes_that_were_never_shown_are_the_fallbacks():
    rng = np.random.default_rng(0)
    fallback, fitted = rng.standard_normal((2, 3, 5, 3)).astype(np.float32)
    out = apply_coverage(
        fallback, fitted, [covered("a", 1.0), covered("b", 0.0), covered("c", 0.25)]
    )
    np.testing.assert_array_equal(out[0], fitted[0])
    np.testing.assert_array_equal(out[1], fallback[1])
    np.testing.assert_array_equal(out[2], fitted[2])
    assert out.dtype == np.float32


def test_other_shapes_of_arrays_are_refused():
    deltas = patches((0, 10))
    with pytest.raises(InputError, match="1 names"):
        shape_coverage(names(1), deltas, waves(2))
    with pytest.raises(InputError, match="finite"):
        shape_coverage(names(1), deltas, np.full((4, 1), np.nan))
    with pytest.raises(InputError, match="region"):
        shape_coverage(names(1), deltas, waves(1), np.ones(VERTICES))
    with pytest.raises(InputError, match="verdicts"):
        apply_coverage(deltas, deltas, [])
