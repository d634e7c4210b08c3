"""Errors in millimetres of skin against their definition, vertex by vertex."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.animator.motion_loss import (
    MotionLossConfig,
    motion_gram,
    motion_loss,
    moving_vertices,
    vertex_error_mm,
)

K, V = 6, 40
RNG = np.random.default_rng(0)
DELTAS = RNG.normal(0, 4e-3, (K, V, 3)).astype(np.float32)
DELTAS[:, 30:] *= 0.01  # ten vertices that no shape moves by a millimetre
SKIN = np.arange(V) % 5 != 0


def weights(t: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, (t, K))


def test_moving_vertices_are_skin_that_some_shape_moves() -> None:
    expected = [SKIN[v] and max(np.linalg.norm(DELTAS[:, v], axis=1)) > 1e-3 for v in range(V)]
    np.testing.assert_array_equal(moving_vertices(DELTAS, SKIN), expected)
    assert 0 < sum(expected) < SKIN.sum()
    with pytest.raises(InputError, match="no shape moves the skin"):
        moving_vertices(DELTAS * 1e-3, SKIN)
    with pytest.raises(InputError, match=r"expected \(K, 39, 3\)"):
        moving_vertices(DELTAS, SKIN[1:])


def test_gram_is_the_mean_squared_motion() -> None:
    gram, moving = motion_gram(DELTAS, SKIN), moving_vertices(DELTAS, SKIN)
    e = weights(1, 1)[0] - weights(1, 2)[0]
    motion_mm = np.tensordot(e, DELTAS.astype(np.float64), 1)[moving] * 1000
    assert e @ gram @ e == pytest.approx((motion_mm**2).sum(axis=1).mean(), rel=1e-6)
    np.testing.assert_allclose(gram, gram.T)
    assert np.linalg.eigvalsh(gram).min() >= 0


def test_vertex_error_is_the_mean_distance() -> None:
    a, b, moving = weights(9, 3), weights(9, 4), moving_vertices(DELTAS, SKIN)
    faces = [np.tensordot(w, DELTAS.astype(np.float64), 1)[:, moving] * 1000 for w in (a, b)]
    expected = np.linalg.norm(faces[0] - faces[1], axis=2).mean(axis=1)
    for chunk in (1, 4, 256):
        found = vertex_error_mm(a, b, DELTAS, moving, chunk)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert not vertex_error_mm(a, a, DELTAS, moving).any()
    with pytest.raises(InputError, match=r"expected both \(T, 6\)"):
        vertex_error_mm(a, b[:, :5], DELTAS, moving)


def test_loss_is_motion_plain_error_and_their_changes() -> None:
    gram = motion_gram(DELTAS, SKIN)
    a, b = weights(14, 5).reshape(2, 7, K), weights(14, 6).reshape(2, 7, K)
    tensors = torch.tensor(a), torch.tensor(b), torch.tensor(gram)
    e, plain = a - b, 0.2 * np.trace(gram) / K

    def squared(e: np.ndarray) -> float:
        rows = e.reshape(-1, K)
        return float(np.mean([r @ gram @ r + plain * (r @ r) for r in rows]))

    found = motion_loss(*tensors, MotionLossConfig(l2_weight=0.2, velocity=0.5))
    assert float(found) == pytest.approx(squared(e) + 0.5 * squared(np.diff(e, axis=1)))
    still = motion_loss(*tensors, MotionLossConfig(l2_weight=0.2, velocity=0.0))
    assert float(still) == pytest.approx(squared(e))
    assert float(motion_loss(tensors[0], tensors[0], tensors[2])) == 0


def test_a_constant_error_has_no_velocity_and_one_frame_is_enough() -> None:
    gram, true = torch.tensor(motion_gram(DELTAS, SKIN)), torch.tensor(weights(7, 7))[None]
    off = true + 0.1
    with_velocity = motion_loss(off, true, gram, MotionLossConfig(velocity=5.0))
    without = motion_loss(off, true, gram, MotionLossConfig(velocity=0.0))
    torch.testing.assert_close(with_velocity, without)
    assert torch.isfinite(motion_loss(off[:, :1], true[:, :1], gram))


def test_what_moves_more_skin_weighs_more() -> None:
    deltas = DELTAS.copy()
    deltas[0] *= 5
    gram, true = torch.tensor(motion_gram(deltas, SKIN)), torch.zeros(1, 3, K, dtype=torch.float64)
    losses = []
    for k in (0, 1):
        predicted = true.clone()
        predicted[..., k] = 0.1
        losses.append(float(motion_loss(predicted, true, gram)))
    assert losses[0] > 10 * losses[1]
