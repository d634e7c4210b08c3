"""Noise is seeded, continuous, of unit variance and of the wavelength asked for."""

import numpy as np

from mien_training.rendering.noise import SpaceNoise, mix, smoothstep


def test_seeded_and_layered():
    points = np.random.default_rng(0).uniform(-0.1, 0.1, (500, 3)).astype(np.float32)
    a = SpaceNoise(3)(points, 0.01)
    assert np.array_equal(a, SpaceNoise(3)(points, 0.01))
    assert abs(np.corrcoef(a, SpaceNoise(4)(points, 0.01))[0, 1]) < 0.2
    assert abs(np.corrcoef(a, SpaceNoise(3)(points, 0.01, layer=1))[0, 1]) < 0.2


def test_unit_variance_and_zero_mean():
    points = np.random.default_rng(1).uniform(-0.2, 0.2, (20000, 3)).astype(np.float32)
    values = SpaceNoise(0)(points, 0.01)
    assert abs(values.mean()) < 0.05
    assert abs(values.std() - 1) < 0.1


def test_wavelength_sets_the_scale():
    line = np.zeros((2000, 3), np.float32)
    line[:, 0] = np.linspace(0, 0.1, 2000)
    steps = [np.abs(np.diff(SpaceNoise(0)(line, w))).max() for w in (0.002, 0.02)]
    assert steps[0] > 4 * steps[1]
    assert steps[1] < 0.05  # continuous, across lattice cells and the lattice's own repeat


def test_smoothstep_runs_both_ways():
    x = np.array([-1, 0, 0.5, 1, 2], np.float32)
    assert np.allclose(smoothstep(0, 1, x), [0, 0, 0.5, 1, 1])
    assert np.allclose(smoothstep(1, 0, x), [1, 1, 0.5, 0, 0])


def test_mix_covers_by_amount():
    below, above = np.zeros((3, 3), np.float32), np.ones(3, np.float32)
    assert np.allclose(mix(below, above, np.array([-1.0, 0.25, 2.0]))[:, 0], [0, 0.25, 1])
