"""Principal modes do not depend on how a machine rounds."""

import numpy as np

from mien_training.templates.assemble import principal_modes


def test_modes_of_a_symmetric_face_keep_their_sign_under_rounding():
    rng = np.random.default_rng(0)
    half = rng.standard_normal((40, 30, 3)) * [3, 1, 1]
    # The other half is the mirror image, or its opposite: every largest entry has a twin.
    sign = np.where(rng.random(40) < 0.5, 1, -1)[:, None, None]
    samples = np.concatenate([half, sign * half * [-1, 1, 1]], 1)
    samples -= samples.mean(0)
    modes = principal_modes(samples, 8)
    for seed in range(20):
        noise = 1e-13 * np.random.default_rng(seed).standard_normal(samples.shape)
        np.testing.assert_allclose(principal_modes(samples + noise, 8), modes, atol=1e-6)


def test_modes_are_orthogonal_and_one_deviation_long():
    rng = np.random.default_rng(1)
    samples = rng.standard_normal((50, 7, 3)) * np.linspace(1, 3, 7)[:, None]
    samples -= samples.mean(0)
    modes = principal_modes(samples, 21).reshape(21, -1).astype(np.float64)
    flat = samples.reshape(50, -1)
    np.testing.assert_allclose(modes.T @ modes, flat.T @ flat / 49, atol=1e-5)
    gram = modes @ modes.T
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-5)
