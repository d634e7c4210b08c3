"""Torch gives numpy's numbers, and right derivatives."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien.avatar import pose_anchors, raise_layers  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien_training.avatar.anchors import TorchAnchors, torch_anchors  # noqa: E402


def posed(template, seed):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0, 0.6, len(template.shape_names)) * (
        rng.random(len(template.shape_names)) < 0.3
    )
    return template.vertices + np.tensordot(weights, template.shape_deltas.astype(np.float64), 1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-5)])
def test_torch_equals_numpy(anny_atlas, dtype, tolerance):
    anchors = anny_atlas.anchors(64)
    v = np.stack([posed(anny_atlas.template, seed) for seed in range(2)])
    here, there = pose_anchors(anchors, v), TorchAnchors(anchors)(torch.tensor(v, dtype=dtype))
    np.testing.assert_allclose(there.positions.numpy(), here.positions, atol=1e-6)
    np.testing.assert_allclose(there.scales.numpy(), here.scales, atol=tolerance, rtol=tolerance)
    # In single precision a sliver's tangent is known less well.
    for name in ("rotations", "quaternions"):
        away = np.abs(getattr(there, name).numpy() - getattr(here, name))
        assert np.quantile(away, 0.99) < tolerance, name
    if dtype == torch.float64:
        assert away.max() < 1e-6


def test_layers_equal_numpys(anny_atlas):
    anchors, v = anny_atlas.anchors(64), anny_atlas.template.vertices.astype(np.float64)
    chosen = np.arange(0, 1000, 7)
    here = raise_layers(pose_anchors(anchors, v), chosen, (0.01, 0.03))
    there = torch_anchors.raise_layers(
        TorchAnchors(anchors)(torch.from_numpy(v)), torch.from_numpy(chosen), (0.01, 0.03)
    )
    np.testing.assert_allclose(there.positions.numpy(), here.positions, atol=1e-9)
    np.testing.assert_allclose(there.quaternions.numpy(), here.quaternions, atol=1e-6)


def test_gradients_are_right(ball_atlas):
    anchors = ball_atlas.anchors(64)
    module = TorchAnchors(anchors)
    generator = torch.Generator().manual_seed(0)
    v = torch.from_numpy(ball_atlas.template.vertices.astype(np.float64))
    v = v + 0.001 * torch.randn(v.shape, generator=generator, dtype=torch.float64)
    some = torch.arange(0, len(anchors.texel), 400)
    around = torch.from_numpy(np.unique(anchors.corners[some.numpy()])[:5].astype(np.int64))

    def outputs(moved):
        poses = module(v.index_copy(0, around, moved))
        return poses.positions[some], poses.quaternions[some], poses.scales[some]

    assert torch.autograd.gradcheck(outputs, v[around].requires_grad_(), eps=1e-7, atol=1e-4)


def test_gradients_are_finite_on_shrunken_surfaces(ball_atlas):
    module = TorchAnchors(ball_atlas.anchors(64))
    v = torch.zeros((module.vertex_count, 3), requires_grad=True)
    poses = module(v)
    (poses.positions.sum() + poses.quaternions.sum() + poses.scales.sum()).backward()
    assert torch.isfinite(v.grad).all()
    assert torch.isfinite(poses.quaternions).all()


def test_images_and_their_texels(anny_atlas):
    anchors = anny_atlas.anchors(64)
    module = TorchAnchors(anchors)
    v = torch.from_numpy(anny_atlas.template.vertices)
    at = module.interpolate(v[None])
    np.testing.assert_allclose(at[0].numpy(), pose_anchors(anchors, v.numpy()).positions, atol=1e-6)
    image = module.image(at)
    assert image.shape == (1, 3, 64, 64)
    np.testing.assert_array_equal(image[0].numpy(), anchors.image(at[0].numpy()))
    np.testing.assert_array_equal(module.sample(image).numpy(), at.numpy())


def test_other_vertices_are_refused(ball_atlas):
    with pytest.raises(InputError, match=r"vertices \(7, 3\)"):
        TorchAnchors(ball_atlas.anchors(64))(torch.zeros(7, 3))
