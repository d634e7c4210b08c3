"""The encoder starts as the fit, is kept in one file, and comes along with mien."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.detail.encoder.evidence_maps import CHANNELS
from mien_training.detail.encoder.skin_encoder import SkinEncoder, default_encoder
from mien_training.detail.fit.linear_fit import DetailModel


@pytest.fixture
def net():
    torch.manual_seed(0)
    return SkinEncoder(64, (8, 16, 24)).eval()


def disturbed(net):
    with torch.no_grad():
        for p in net.parameters():
            p += 0.1 * torch.randn_like(p)
    return net


def test_untrained_it_gives_back_the_fit(net, sample, small_basis):
    fit = 1e-3 * torch.from_numpy(sample.fits_mm[0].astype(np.float32))
    found = net.heights(*sample.evidence(0), fit, DetailModel(small_basis))
    torch.testing.assert_close(found, fit)


def test_batch_equals_singles(net):
    disturbed(net)
    x = torch.randn(3, CHANNELS, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(
            net(x), torch.cat([net(row[None]) for row in x]), atol=1e-5, rtol=1e-4
        )


def test_every_parameter_learns(net):
    disturbed(net)(torch.randn(1, CHANNELS, 64, 64)).square().mean().backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and p.grad.abs().max() > 0, name


def test_file(net, tmp_path):
    disturbed(net).save(tmp_path / "net.npz")
    found = SkinEncoder.load(tmp_path / "net.npz")
    assert (found.size, found.widths) == (64, (8, 16, 24))
    x = torch.randn(1, CHANNELS, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(found(x), net(x), atol=0.05, rtol=0.02)  # 16 bits
    np.savez(tmp_path / "other.npz", widths=np.array([8, 16]), size=np.array(64))
    for name in ("missing.npz", "other.npz"):
        with pytest.raises(InputError, match=name):
            SkinEncoder.load(tmp_path / name)


def test_the_default_one_reads_what_the_fit_does_not(wrinkled_case):
    """On a person whom neither basis nor encoder has met."""
    errors = wrinkled_case
    assert errors["encoder"] < 0.95 * errors["fit"], errors


@pytest.fixture(scope="module")
def wrinkled_case(one_thread):
    from mien_training.detail.basis.detail_basis import default_basis
    from mien_training.detail.encoder.skin_samples import draw_sample

    basis = default_basis()
    young = draw_sample(1_234_567, 4, basis, age=0.3)
    truth = 1e-3 * torch.from_numpy(young.truth_mm.astype(np.float32))
    fit = 1e-3 * torch.from_numpy(young.fits_mm[0].astype(np.float32))
    found = default_encoder().heights(*young.evidence(0), fit, DetailModel(basis))
    size = truth.square().mean()
    return {
        name: float(((h - truth).square().mean() / size).sqrt())
        for name, h in (("fit", fit), ("encoder", found))
    }
