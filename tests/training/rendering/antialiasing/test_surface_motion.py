"""Colours move with the surface: nothing is added to the image but its gradient."""

import torch

from mien_training.rendering.antialiasing.pixel_pairs import PixelPairs
from mien_training.rendering.antialiasing.surface_motion import move_with_surface, still
from mien_training.rendering.visibility import RasterOut

SIZE = (7, 9)
NONE = torch.zeros(0, dtype=torch.int64)
FREE = PixelPairs(NONE, NONE, NONE, torch.zeros(0).double(), torch.zeros(0).double())


def centres():
    y, x = torch.meshgrid(*(torch.arange(n).double() + 0.5 for n in SIZE), indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)


def ramp():
    """An image (H * W, 2) whose channels rise evenly in x and in y."""
    at = centres()
    return torch.stack([0.3 * at[:, 0], 0.1 * at[:, 0] - 0.2 * at[:, 1]], 1)


def inner():
    x, y = (centres() - 0.5).long().unbind(1)
    return (x > 0) & (x < SIZE[1] - 1) & (y > 0) & (y < SIZE[0] - 1)


def moved(flat, xy, covered=None, contours=FREE):
    covered = torch.ones(len(flat), dtype=torch.bool) if covered is None else covered
    return move_with_surface(flat, xy, covered, contours, SIZE)


def test_the_picture_itself_is_left_as_it_is():
    xy = centres().requires_grad_(True)
    assert not moved(ramp(), xy).detach().any()


def test_a_ramp_that_moves_darkens_by_its_slope():
    """I(x - s) changes by -s . slope: the law of brightness constancy."""
    for axis in (0, 1):
        xy = centres().requires_grad_(True)
        out = moved(ramp(), xy)
        for channel, slope in enumerate(((0.3, 0.0), (0.1, -0.2))):
            (grad,) = torch.autograd.grad(out[:, channel].sum(), xy, retain_graph=True)
            expected = torch.full_like(grad[inner(), axis], -slope[axis])
            torch.testing.assert_close(grad[inner(), axis], expected)


def test_each_pixel_moves_by_its_own_point_alone():
    xy = centres().requires_grad_(True)
    pixel = 3 * SIZE[1] + 4
    (grad,) = torch.autograd.grad(moved(ramp(), xy)[pixel].sum(), xy)
    assert set(grad.abs().sum(1).nonzero()[:, 0].tolist()) == {pixel}


def test_next_to_a_contour_and_beside_the_surface_nothing_moves():
    first = torch.tensor([3 * SIZE[1] + 3, 3 * SIZE[1] + 4])
    cut = torch.zeros(2).double()
    both = PixelPairs(2 * first, first, first + 1, cut, cut)  # both neighbours of one pixel
    xy = centres().requires_grad_(True)
    (grad,) = torch.autograd.grad(moved(ramp(), xy, contours=both)[:, 0].sum(), xy)
    assert grad[3 * SIZE[1] + 4, 0] == 0
    torch.testing.assert_close(grad[3 * SIZE[1] + 3, 0], torch.tensor(-0.15).double())
    xy = centres().requires_grad_(True)
    nothing = torch.zeros(len(xy), dtype=torch.bool)
    assert (
        not moved(ramp(), xy, nothing).requires_grad
        or not torch.autograd.grad(moved(ramp(), xy, nothing).sum(), xy)[0].any()
    )


def test_differences_carry_no_gradient_of_the_colours():
    flat = ramp().requires_grad_(True)
    xy = centres().requires_grad_(True)
    (grad,) = torch.autograd.grad(moved(flat, xy).sum(), flat, allow_unused=True)
    assert grad is None


def test_still_cuts_the_gradients_of_weights_and_depth_only():
    bary = torch.rand(1, 2, 2, 3, requires_grad=True)
    depth = torch.rand(1, 2, 2, requires_grad=True)
    out = RasterOut(torch.zeros(1, 2, 2, dtype=torch.int64), bary, depth)
    held = still(out)
    assert held.tri_id is out.tri_id
    assert not held.bary.requires_grad and not held.depth.requires_grad
    assert torch.equal(held.bary, bary) and torch.equal(held.depth, depth)
