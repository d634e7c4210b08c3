"""A basis opens where it lacks something of a real face, and nowhere else."""

import numpy as np

from mien_training.detail.basis.widened import widened


def test_what_is_left_open_grows_where_the_basis_lacks_something(small_basis):
    side = small_basis.size
    height = np.zeros((side, side), np.float32)
    height[12:20, 30:34] = 2e-4
    height[14:18] *= -1
    found = widened(small_basis, height)
    before, after = (
        small_basis.image(np.sqrt((b.rest**2).sum(1)))[0] for b in (small_basis, found)
    )
    assert (after >= before * (1 - 1e-3)).all()
    on_atlas = small_basis.image(np.ones(len(small_basis.texel), np.float32)) > 0
    grown = after > 1.5 * before
    assert grown[12:20, 30:34][on_atlas[12:20, 30:34]].any()
    assert not grown[44:].any()  # far below
    for a, b in zip(found.parts, small_basis.parts, strict=True):
        np.testing.assert_array_equal(a.modes, b.modes)
    flat = widened(small_basis, np.zeros((side, side), np.float32) + small_basis.image(
        small_basis.parts[0].mean))  # fmt: skip
    np.testing.assert_allclose(flat.rest, small_basis.rest, rtol=0.05, atol=3e-6)
