"""The most probable unknowns are the ridge solution; detail is linear in its unknowns."""

import numpy as np
import pytest
import torch

from mien_training.detail.fit.linear_fit import DetailModel, most_probable


@pytest.fixture(scope="module")
def problem():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(40, 25, generator=generator)
    return matrix, torch.randn(40, generator=generator)


@pytest.fixture(scope="module")
def model(small_basis):
    return DetailModel(small_basis)


def unknowns(model, seed):
    return torch.randn(model.size, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_dense_ridge_solution(problem):
    matrix, target = problem
    exact = torch.linalg.solve(matrix.T @ matrix + torch.eye(25), matrix.T @ target)
    found = most_probable(lambda x: matrix @ x, target, 25, 100, 1e-6)
    torch.testing.assert_close(found.unknowns, exact, atol=1e-5, rtol=1e-4)
    assert found.iterations <= 30 and found.remaining <= 1e-6


def test_what_is_constant_in_the_observations_does_not_count(problem):
    matrix, target = problem
    plain = most_probable(lambda x: matrix @ x, target, 25, 100, 1e-6).unknowns
    moved = most_probable(lambda x: matrix @ x + 3, target + 3, 25, 100, 1e-6).unknowns
    torch.testing.assert_close(moved, plain, atol=1e-5, rtol=1e-4)


def test_it_stops_when_told(problem):
    matrix, target = problem
    few = most_probable(lambda x: matrix @ x, target, 25, 3, 0.0)
    more = most_probable(lambda x: matrix @ x, target, 25, 6, 0.0)
    assert (few.iterations, more.iterations) == (3, 6) and more.remaining < few.remaining < 1
    nothing = most_probable(lambda x: matrix @ x, torch.zeros(40), 25)
    assert nothing.iterations == 0 and not nothing.unknowns.any()


def test_detail_is_linear_in_its_unknowns(model):
    a, b = unknowns(model, 1), unknowns(model, 2)
    both = model.change(2 * a - 3 * b)
    assert both.shape == (3, 64, 64)
    torch.testing.assert_close(
        both, 2 * model.change(a) - 3 * model.change(b), atol=1e-7, rtol=1e-4
    )
    assert not model.change(torch.zeros(model.size)).any()


def test_without_the_rest_it_is_the_basis(model, small_basis):
    x = unknowns(model, 3)
    codes = model.coefficients(x)
    for k, (part, code) in enumerate(zip(small_basis.parts, codes, strict=True)):
        expected = small_basis.image(part.heights(code.numpy()))
        found = DetailModel(small_basis, rest_share=0).change(x)[k] + model.mean[k]
        np.testing.assert_allclose(found, expected, atol=1e-8)


def test_modes_and_the_rest_add_up(model, small_basis):
    x = unknowns(model, 4)
    modes = DetailModel(small_basis, rest_share=0).change(x)
    rest = DetailModel(small_basis, modes_share=0).change(x)
    torch.testing.assert_close(modes + rest, model.change(x), atol=1e-8, rtol=1e-5)
    assert modes.abs().max() > 1e-4 and rest.abs().max() > 1e-5
    assert not DetailModel(small_basis, 0, 0).change(x).any()


def test_random_unknowns_vary_as_people_do(model, small_basis):
    plain = DetailModel(small_basis, rest_share=1)
    drawn = torch.stack([plain.change(unknowns(model, seed)) for seed in range(60)])
    spread = drawn.std(0).flatten(1)[:, torch.from_numpy(small_basis.texel).long()].numpy()
    for k, part in enumerate(small_basis.parts):
        known = np.sqrt((part.modes**2).sum(0) + (small_basis.rest[k] ** 2).sum(0))
        assert np.median(spread[k] / known) == pytest.approx(1, abs=0.3)
