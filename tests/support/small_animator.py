"""A small recurrent network in numpy with the interface of `mien.animator.Animator`."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class SmallState:
    """Hidden and cell state, (L, B, H) each."""

    h: np.ndarray
    c: np.ndarray


class SmallAnimator:
    """Remembers a leaky sum of its inputs: what it says depends on every frame and time step."""

    def __init__(self, inputs: int, channels: int, hidden: int = 5, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self._in = rng.normal(0, 0.3, (inputs, hidden)).astype(np.float32)
        self._out = rng.normal(0, 1.0, (hidden, channels)).astype(np.float32)
        self._hidden = hidden
        self.runs = 0

    def initial_state(self, batch: int = 1) -> SmallState:
        return SmallState(*np.zeros((2, 1, batch, self._hidden), np.float32))

    def run(self, x: np.ndarray, state: SmallState) -> tuple[np.ndarray, SmallState]:
        return self.infer(x, state)

    def infer(self, x: np.ndarray, state: SmallState) -> tuple[np.ndarray, SmallState]:
        assert x.dtype == np.float32 and x.ndim == 3 and len(x) == state.h.shape[1]
        self.runs += 1
        h, c, out = state.h[0], state.c[0], []
        for t in range(x.shape[1]):
            h = np.tanh(x[:, t] @ self._in + 0.7 * h)
            c = 0.9 * c + 0.1 * h
            out.append(1 / (1 + np.exp(-c @ self._out)))
        return np.stack(out, axis=1).astype(np.float32), SmallState(h[None], c[None])
