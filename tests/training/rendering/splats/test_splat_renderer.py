"""The kernels against the reference; batches, broadcasting, degenerate input."""

import numpy as np
import pytest
import torch
from support.clouds import random_cloud, straight_camera

from mien.avatar import draw_splats
from mien.errors import InputError
from mien_training.cameras.camera import look_at_camera
from mien_training.rendering.splats.splat_renderer import render_splats

NAMES = ("means", "rotations", "scales", "opacities", "colours")
SIZE = (41, 53)
CAMERA = look_at_camera((0.1, 0.2, 0.6), (0, 0, 0), 0.5, SIZE[1], SIZE[0])
OTHER = look_at_camera((-0.2, 0.1, 0.7), (0, 0, 0), 0.5, SIZE[1], SIZE[0])


def tensors_of(cloud, dtype=torch.float32):
    return [torch.tensor(getattr(cloud, name), dtype=dtype) for name in NAMES]


def loss_of(images, seed=9):
    """A random weighting of every number of the images."""
    rng = np.random.default_rng(seed)
    total = torch.zeros((), dtype=torch.float64)
    for part in (images.image, images.depth):
        if part is not None:
            total = total + (part.double() * torch.tensor(rng.normal(size=part.shape))).sum()
    return total


def drawn_with_gradients(tensors, backend, cameras=(CAMERA,), depth=True):
    inputs = [tensor.clone().requires_grad_() for tensor in tensors]
    images = render_splats(*inputs, cameras, SIZE, depth=depth, backend=backend)
    loss_of(images).backward()
    return images, [tensor.grad for tensor in inputs]


@pytest.mark.parametrize("depth", [True, False])
@pytest.mark.parametrize(("count", "spread"), [(1, 1), (2, 1), (300, 1), (100, 3)])
def test_kernels_equal_the_reference(count, spread, depth):
    """With spread 3, a good part lies beside the image, beyond the margin, and reaches in."""
    tensors = tensors_of(random_cloud(count), torch.float64)
    tensors[0][:, :2] *= spread
    tensors[2] *= spread
    a, da = drawn_with_gradients(tensors, "torch", depth=depth)
    b, db = drawn_with_gradients(tensors, "warp", depth=depth)
    assert a.image.dtype == torch.float64 and b.image.dtype == torch.float32
    assert (a.image - b.image).abs().max() < 1e-5
    if depth:
        assert (a.depth - b.depth).abs().max() < 1e-5
    for name, p, q in zip(NAMES, da, db, strict=True):
        assert (p - q).abs().max() < 1e-5 * p.abs().max(), name
        assert p.abs().max() > 0


def test_full_pixels_are_among_those_compared():
    image = render_splats(*tensors_of(random_cloud(300)), [CAMERA], SIZE).image
    assert image[..., 3].max() > 1 - 1e-4


def test_the_runtime_draws_the_same():
    cloud = random_cloud(200)
    image = render_splats(*tensors_of(cloud), [CAMERA], SIZE).image[0].numpy()
    assert np.array_equal(image, draw_splats(cloud, CAMERA, SIZE[1], SIZE[0]))


def test_a_batch_equals_singles():
    clouds = [tensors_of(random_cloud(150, seed)) for seed in (0, 1)]
    cameras = [CAMERA, OTHER]
    batch = [torch.stack(pair) for pair in zip(*clouds, strict=True)]
    images, gradients = drawn_with_gradients(batch, "warp", cameras, depth=False)
    weights = torch.tensor(np.random.default_rng(9).normal(size=images.image.shape))
    for b, (cloud, camera) in enumerate(zip(clouds, cameras, strict=True)):
        inputs = [tensor.clone().requires_grad_() for tensor in cloud]
        single = render_splats(*inputs, [camera], SIZE).image
        assert torch.equal(single[0], images.image[b])
        (single[0].double() * weights[b]).sum().backward()
        for name, tensor, whole in zip(NAMES, inputs, gradients, strict=True):
            assert torch.equal(tensor.grad, whole[b]), name


def test_what_all_frames_share_gets_the_sum_of_their_gradients():
    cloud = tensors_of(random_cloud(80))
    shared, shared_gradients = drawn_with_gradients(cloud, "warp", [CAMERA, OTHER])
    each, gradients = drawn_with_gradients(
        [torch.stack([t, t]) for t in cloud], "warp", [CAMERA, OTHER]
    )
    assert torch.equal(shared.image, each.image) and shared.image.shape == (2, *SIZE, 4)
    for a, b in zip(shared_gradients, gradients, strict=True):
        assert torch.allclose(a, b.sum(0), rtol=1e-4, atol=1e-6 * float(b.abs().max()))


def test_clear_hidden_and_degenerate_gaussians_get_finite_gradients():
    means, rotations, scales, opacities, colours = tensors_of(random_cloud(40))
    opacities[:5] = 0
    means[5:8, 2] = 5.0  # behind the camera
    means[8:10, 0] = 9.0
    scales[10:14] = 0
    scales[14:16] = 1e12
    scales[16:18, :2] = 0
    scales[24:26] = 1e3
    scales[26:28, 0] = 1e5
    rotations[18:20] = 0
    opacities[20:24] = 1
    images, gradients = drawn_with_gradients([means, rotations, scales, opacities, colours], "warp")
    assert torch.isfinite(images.image).all()
    for name, gradient in zip(NAMES, gradients, strict=True):
        assert torch.isfinite(gradient).all(), name
        assert not gradient[:10].any(), name


def test_a_cloud_learns_a_picture():
    """The gradients lead downhill all together."""
    target = render_splats(*tensors_of(random_cloud(60, 4)), [CAMERA], SIZE).image
    means, rotations, scales, opacities, colours = tensors_of(random_cloud(60, 5))
    raw = [means, rotations, scales.log(), torch.logit(opacities), colours]
    for tensor in raw:
        tensor.requires_grad_()
    optimiser = torch.optim.Adam(raw, 0.02)
    losses = []
    for _ in range(40):
        image = render_splats(
            raw[0], raw[1], raw[2].exp(), raw[3].sigmoid(), raw[4], [CAMERA], SIZE
        ).image
        loss = (image - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


def test_no_gaussians_give_an_empty_image():
    empty = [torch.zeros(0, 3), torch.zeros(0, 4), torch.zeros(0, 3), torch.zeros(0),
             torch.zeros(0, 3)]  # fmt: skip
    for backend in ("torch", "warp"):
        images = render_splats(*empty, [CAMERA], SIZE, depth=True, backend=backend)
        assert images.image.shape == (1, *SIZE, 4) and not images.image.any()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"means": torch.zeros(3)}, r"means \(3,\)"),
        ({"rotations": torch.zeros(5, 3)}, r"rotations \(5, 3\), expected \(N, 4\)"),
        ({"opacities": torch.zeros(5, 1)}, r"opacities \(5, 1\)"),
        ({"scales": torch.zeros(3, 5, 3), "colours": torch.zeros(2, 5, 3)}, r"\[1, 2, 3\] sets"),
        ({"size": (0, 4)}, "both positive"),
        ({"cameras": []}, "cameras"),
        ({"backend": "cuda"}, "backend 'cuda'"),
    ],
)
def test_wrong_calls_are_refused(change, text):
    call = dict(zip(NAMES, tensors_of(random_cloud(5)), strict=True))
    call |= {"cameras": [straight_camera(8, 8)], "size": (8, 8), **change}
    with pytest.raises(InputError, match=text):
        render_splats(**call)
