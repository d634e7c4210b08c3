"""Each of the networks: silent at first, frame by frame, wholly trained, and honest about sizes."""

from typing import get_args

import pytest
import torch

from mien.errors import InputError
from mien_training.avatar.expression.expression_network import ExpressionKind, expression_network

KINDS = get_args(ExpressionKind)
SIZE, CODES, FEATURES, WIDTHS = 32, 7, 5, (4, 6, 8)


def make(kind):
    torch.manual_seed(1)
    return expression_network(kind, SIZE, CODES, FEATURES, WIDTHS)


def taught(kind):
    """Every parameter moved a little: as after training."""
    network = make(kind)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return network


def inputs(count):
    generator = torch.Generator().manual_seed(2)
    return (0.01 * torch.randn(count, 3, SIZE, SIZE, generator=generator),
            torch.randn(count, CODES, generator=generator))  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_untrained_it_changes_nothing(kind):
    found = make(kind)(*inputs(2))
    assert found.shape == (2, FEATURES, SIZE, SIZE)
    assert (found == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_equals_its_frames(kind):
    network, (maps, codes) = taught(kind), inputs(3)
    singles = torch.cat([network(maps[n : n + 1], codes[n : n + 1]) for n in range(3)])
    torch.testing.assert_close(network(maps, codes), singles, rtol=1e-4, atol=1e-5)
    if kind != "static":
        assert (singles[0] - singles[1]).abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind):
    network = taught(kind)
    for parameter in network.parameters():
        parameter.grad = None
    if not list(network.parameters()):
        assert kind == "static"
        return
    (network(*inputs(2)) - 1).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "static"])
def test_it_learns_from_silence(kind):
    """A last layer of zeros does not keep the rest from learning."""
    network, data = make(kind), inputs(2)
    torch.manual_seed(3)
    wanted = torch.randn(2, FEATURES, 1, 1).expand(-1, -1, SIZE, SIZE)
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(60):
        loss = (network(*data) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.3 * wanted.square().mean()


@pytest.mark.parametrize(("kind", "reads"), [
    ("displacements", (True, True)), ("codes", (False, True)), ("appended", (False, True)),
    ("global", (False, True)), ("static", (False, False)),
])  # fmt: skip
def test_what_each_kind_reads(kind, reads):
    network, (maps, codes) = taught(kind), inputs(1)
    found = network(maps, codes)
    for other, read in zip(((2 * maps, codes), (maps, codes + 1)), reads, strict=True):
        assert (not torch.equal(network(*other), found)) == read


def test_kinds_and_sizes_are_checked():
    with pytest.raises(InputError, match="expression network 'none', expected"):
        expression_network("none", 64, 3, 4)
    with pytest.raises(InputError, match="size 36, expected a multiple of 8"):
        expression_network("displacements", 36, 3, 4)
