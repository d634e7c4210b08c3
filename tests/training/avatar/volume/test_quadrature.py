"""The quadrature is the integral itself, where density is constant within cells."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.avatar.volume.quadrature import cell_lengths, gather  # noqa: E402


@pytest.mark.parametrize("cells", [1, 3, 50])
def test_a_slab_lets_through_what_beer_says(cells):
    t = torch.rand(4, cells, dtype=torch.float64).sort(1)[0] * 0.1 + 0.5
    near, far = torch.full((4,), 0.5).double(), torch.full((4,), 0.6).double()
    lengths = cell_lengths(t, near, far)
    density = torch.full((4, cells), 17.0).double()
    colour = torch.tensor([0.2, 0.5, 0.9]).double().expand(4, cells, 3)
    seen = gather(density, colour, lengths)
    alpha = 1 - torch.exp(torch.tensor(-1.7).double())
    torch.testing.assert_close(seen.alpha, alpha.expand(4))
    torch.testing.assert_close(seen.colour, alpha * colour[:, 0])
    torch.testing.assert_close(seen.weights.sum(1), seen.alpha)


def test_two_slabs_hide_each_other():
    density = torch.tensor([[30.0, 0.0, 80.0]]).double()
    lengths = torch.tensor([[0.02, 0.5, 0.01]]).double()
    colour = torch.eye(3).double()[None]
    seen = gather(density, colour, lengths)
    first, second = 1 - torch.exp(torch.tensor([-0.6, -0.8]).double())
    torch.testing.assert_close(
        seen.colour[0], torch.stack([first, 0 * first, (1 - first) * second])
    )
    behind = torch.tensor([0.0, 1.0, 0.0]).double()
    through = torch.exp(torch.tensor(-1.4).double())
    torch.testing.assert_close(seen.over(behind)[0], seen.colour[0] + through * behind)


def test_cells_fill_the_ray_and_lie_about_their_samples():
    t = torch.tensor([[1.0, 2.0, 4.0]])
    lengths = cell_lengths(t, torch.tensor([0.5]), torch.tensor([4.5]))
    torch.testing.assert_close(lengths, torch.tensor([[1.0, 1.5, 1.5]]))


def test_gradients_are_right():
    generator = torch.Generator().manual_seed(0)
    density = torch.rand(2, 5, generator=generator, dtype=torch.float64) * 30
    colour = torch.rand(2, 5, 3, generator=generator, dtype=torch.float64)
    lengths = torch.rand(2, 5, generator=generator, dtype=torch.float64) * 0.05
    for value in (density, colour, lengths):
        value.requires_grad_(True)

    def parts(*values):
        seen = gather(*values)
        return seen.colour, seen.alpha, seen.weights

    assert torch.autograd.gradcheck(parts, (density, colour, lengths))


def test_opaque_cells_stay_finite():
    density = torch.full((1, 4), 1e9, requires_grad=True)
    seen = gather(density, torch.ones(1, 4, 3), torch.full((1, 4), 0.01))
    seen.colour.sum().backward()
    assert torch.isfinite(density.grad).all() and float(seen.alpha.detach()) == 1
