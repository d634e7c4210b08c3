"""Waves of halving length, opened one after the other."""

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.avatar.volume.encoding import (  # noqa: E402
    band_windows,
    encode,
    encoded_size,
)


def test_waves_are_those_of_the_definition():
    x = torch.tensor([[0.03, -0.01]])
    found = encode(x, 0.1, 2)
    assert found.shape == (1, encoded_size(2, 2)) == (1, 10)
    wanted = [0.6, -0.2]
    for wave in (0.1, 0.05):
        wanted += [math.sin(2 * math.pi * v / wave) for v in (0.03, -0.01)]
        wanted += [math.cos(2 * math.pi * v / wave) for v in (0.03, -0.01)]
    torch.testing.assert_close(found[0], torch.tensor(wanted))


def test_no_bands_leave_the_place_alone():
    torch.testing.assert_close(encode(torch.ones(2, 3), 2.0, 0), torch.ones(2, 3))


def test_windows_open_in_turn():
    torch.testing.assert_close(band_windows(1.5, 3), torch.tensor([1.0, 0.5, 0.0]))
    shut = encode(torch.rand(4, 3), 1.0, 3, band_windows(0, 3))
    assert (shut[:, 3:] == 0).all()
    x = torch.rand(4, 3)
    torch.testing.assert_close(encode(x, 1.0, 3, band_windows(3, 3)), encode(x, 1.0, 3))
