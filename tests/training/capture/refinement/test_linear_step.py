"""The linear step learns what moves tell, and foretells each moment as if it had not seen it."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.refinement.linear_step import (
    LinearStep,
    LinearStepConfig,
    fit_linear_step,
    learnt_starts,
)
from mien_training.capture.refinement.mesh_levels import skin_vertices

FEW = LinearStepConfig(controls=60, rank=4, ridge=1e-3)


def smooth(at, seed):
    rng = np.random.default_rng(seed)
    return np.sin(at @ rng.normal(0, 12, (3, 3)) + rng.uniform(0, 6, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def paths(reading, anny, tmp_path_factory):
    """Twelve moments: what is left follows from two ways in which pictures move meshes."""
    folder, rng = tmp_path_factory.mktemp("moved"), np.random.default_rng(0)
    moves = [smooth(anny.vertices, n) for n in (1, 2)]
    lacks = [smooth(anny.vertices, n) for n in (3, 4)]
    found = []
    for number in range(12):
        much = 0.002 * rng.standard_normal(2).astype(np.float32)
        own = replace(
            reading, fitted=reading.start - sum(a * b for a, b in zip(much, moves, strict=True)),
            truth=reading.start + sum(a * b for a, b in zip(much, lacks, strict=True)) + 0.001,
        )  # fmt: skip
        own.write(folder / f"{number}.npz")
        found.append(folder / f"{number}.npz")
    return found


def off_mm(reading, anny):
    skin = skin_vertices(anny)
    return 1e3 * float(np.linalg.norm((reading.start - reading.truth)[skin], axis=1).mean())


def test_unfitted_it_does_nothing(reading, anny):
    step = LinearStep(anny, FEW)
    np.testing.assert_array_equal(step.applied(reading).start, reading.start)


def test_what_moves_tell_is_learnt(paths, anny):
    step = LinearStep(anny, FEW)
    fit_linear_step(step, paths[:10])
    for path in paths[10:]:
        reading = MomentReading.read(path)
        corrected = step.applied(reading)
        assert off_mm(corrected, anny) < 0.25 * off_mm(reading, anny)
        hidden = np.setdiff1d(np.arange(len(reading.start)), skin_vertices(anny))
        np.testing.assert_array_equal(corrected.start[hidden], reading.start[hidden])


def test_moments_are_read_as_if_they_had_no_part_in_it(paths, anny):
    step, others = LinearStep(anny, FEW), LinearStep(anny, FEW)
    read = learnt_starts(step, paths)
    fit_linear_step(others, paths[1:])
    first = MomentReading.read(paths[0])
    foretold = others.applied(first).start - first.start
    np.testing.assert_allclose(read(paths[0]).start - first.start, foretold, atol=1e-4)
    # One that it was not fitted to is corrected by all.
    elsewhere = paths[0].with_name("other.npz")
    first.write(elsewhere)
    np.testing.assert_array_equal(read(elsewhere).start, step.applied(first).start)


def test_a_strong_ridge_leaves_the_mean(paths, anny):
    step = LinearStep(anny, replace(FEW, ridge=1e9))
    fit_linear_step(step, paths)
    readings = [MomentReading.read(path) for path in paths]
    mean = np.mean([r.truth - r.start for r in readings], 0)[skin_vertices(anny)]
    np.testing.assert_allclose(step(readings[0]).numpy(), mean, atol=1e-6)


def test_where_nothing_is_told_there_is_a_mean(paths, anny, tmp_path):
    untold = []
    for path in paths[:4]:
        reading = MomentReading.read(path)
        blank = replace(reading, fitted=reading.start, maps=0 * reading.maps)
        blank.write(tmp_path / path.name)
        untold.append(tmp_path / path.name)
    step = LinearStep(anny, FEW)
    fit_linear_step(step, untold)
    readings = [MomentReading.read(path) for path in untold]
    mean = np.mean([r.truth - r.start for r in readings], 0)[skin_vertices(anny)]
    np.testing.assert_allclose(step(readings[0]).numpy(), mean, atol=1e-6)


def test_fewer_moments_than_directions_do(paths, anny):
    step = LinearStep(anny, replace(FEW, rank=40))
    assert np.isfinite(fit_linear_step(step, paths[:4])).all()
    with pytest.raises(InputError, match="2 moments, expected three"):
        fit_linear_step(step, paths[:2])


@pytest.mark.parametrize("options", [{"controls": 3}, {"rank": 0}, {"ridge": 0.0}])
def test_nonsense_is_refused(options):
    with pytest.raises(InputError, match="LinearStepConfig"):
        LinearStepConfig(**options)
