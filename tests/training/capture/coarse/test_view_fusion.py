"""Fusion knows no order of views, leaves out what it is told to, and prefers views that see."""

import pytest
import torch
from torch.nn import functional

from mien.errors import InputError
from mien_training.capture.coarse.view_fusion import fuse_views, surface_weights


def test_order_and_unseen_views_change_nothing():
    torch.manual_seed(0)
    features, mask = torch.randn(2, 6, 3, 50), torch.rand(2, 6, 50) > 0.4
    mean, variance = fuse_views(features, mask)
    order = torch.randperm(6)
    for a, b in zip(fuse_views(features[:, order], mask[:, order]), (mean, variance), strict=True):
        assert (a - b).abs().max() < 1e-5
    changed = torch.where(mask[:, :, None], features, 1e3)
    for a, b in zip(fuse_views(changed, mask), (mean, variance), strict=True):
        assert (a - b).abs().max() < 1e-5
    chosen = features[0, mask[0, :, 7], :, 7]
    torch.testing.assert_close(mean[0, :, 7], chosen.mean(0))
    torch.testing.assert_close(variance[0, :, 7], chosen.var(0, unbiased=False))


def test_one_view_has_no_variance_and_none_no_features():
    features = torch.randn(1, 2, 3, 4, requires_grad=True)
    mask = torch.tensor([[[1.0, 1, 0, 0], [1.0, 0, 1, 0]]])
    mean, variance = fuse_views(features, mask)
    assert (variance[..., 1:] == 0).all() and (mean[..., 3] == 0).all()
    torch.testing.assert_close(mean[0, :, 2], features[0, 1, :, 2])
    (slope,) = torch.autograd.grad(mean.sum() + variance.sum(), features)
    assert torch.isfinite(slope).all()
    with pytest.raises(InputError, match="fuse_views"):
        fuse_views(features, mask[:, :1])


def occluded_sphere(count, seed):
    """Error over deviation of features on a sphere, fused plainly, by visibility, and aware."""
    g = torch.Generator().manual_seed(seed)
    normals = functional.normalize(torch.randn(1, 2000, 3, generator=g), dim=-1)
    centres = 6 * functional.normalize(torch.randn(1, count, 3, generator=g), dim=-1)
    towards = functional.normalize(centres[:, :, None] - normals[:, None], dim=-1)
    cosine = (towards * normals[:, None]).sum(-1)
    visible = (cosine > 0).float()
    true = torch.randn(1, 1, 4, 2000, generator=g)
    noise = (
        torch.randn(1, count, 4, 2000, generator=g) * (0.08 / cosine.clamp_min(0.15))[:, :, None]
    )
    wrong = torch.randn(1, count, 4, 2000, generator=g)
    features = torch.where(visible[:, :, None] > 0, true + noise, wrong)
    seen = visible.any(1)[0]

    def error(weights):
        return (fuse_views(features, weights)[0] - true[:, 0])[..., seen].square().mean().sqrt()

    aware = surface_weights(visible, normals, normals, centres)
    flipped = surface_weights(visible, -normals, normals, centres)
    return [float(error(w)) for w in (torch.ones_like(visible), visible, aware, flipped)]


def test_an_occluded_sphere_is_fused_best_by_what_sees_it():
    plain, seen, aware, flipped = occluded_sphere(16, 0)
    assert aware <= 0.12 and plain >= 0.35 and aware < seen < plain
    assert abs(flipped - plain) < 0.02  # all weights alike
