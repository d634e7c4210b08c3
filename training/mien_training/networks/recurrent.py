"""A recurrent layer whose state is an argument, and a regression that it adds memory to."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["FramewiseLayer", "RecurrentLayer", "RecurrentRegression"]

_SMALL_START = 0.1


class RecurrentLayer(nn.LSTM):
    """One LSTM layer that begins by remembering: x (B, T, P) and the state h, c (1, B, H) give
    (B, T, H) and the next state."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, batch_first=True)
        with torch.no_grad():
            self.get_parameter("bias_ih_l0")[hidden : 2 * hidden].fill_(1.0)  # the forget gate

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The layer over T frames, from one state to the next."""
        out, (hn, cn) = self(x, (h, c))
        return out, hn, cn


class FramewiseLayer(nn.Sequential):
    """In place of a RecurrentLayer, with about as many parameters: each frame by itself."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(
            nn.Linear(inputs, 4 * hidden), nn.Tanh(), nn.Linear(4 * hidden, hidden), nn.Tanh()
        )

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `RecurrentLayer.step`; the state passes through."""
        return self(x), h, c


class RecurrentRegression(nn.Module):
    """x (B, T, P) -> (B, T, C): a linear map, and what a recurrent layer adds to it.

    x is embedded (E units, tanh, dropout); the layer reads the embedding; the output is linear in
    the layer's H units, the embedding and, by the skip connection, x itself.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        embed: int,
        hidden: int,
        recurrent: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(inputs, embed)
        self.dropout = nn.Dropout(dropout)
        layer = RecurrentLayer if recurrent else FramewiseLayer
        self.recurrence: RecurrentLayer | FramewiseLayer = layer(embed, hidden)
        self.out = nn.Linear(hidden + embed, outputs)
        self.skip = nn.Linear(inputs, outputs, bias=False)
        self.hidden = hidden

    def initial_state(self, batch: int) -> tuple[Tensor, Tensor]:
        """h and c (1, B, H) of a sequence's beginning."""
        zeros = torch.zeros(1, batch, self.hidden, device=self.skip.weight.device)
        return zeros, zeros.clone()

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The outputs (B, T, C), unbounded, and the state after T."""
        e = self.dropout(torch.tanh(self.embed(x)))
        hidden, hn, cn = self.recurrence.step(e, h, c)
        return self.out(torch.cat([hidden, e], dim=-1)) + self.skip(x), hn, cn

    @torch.no_grad()
    def start_from_ridge(self, x: Tensor, y: Tensor, penalty: float) -> None:
        """Set the linear part to ridge regression of y (N, C) on x (N, P), both on the CPU.

        The rest starts small, so that training begins at what a linear map can do.
        """
        ones = torch.cat([x, torch.ones(len(x), 1)], dim=1).double()
        square = ones.T @ ones + penalty * torch.eye(ones.shape[1], dtype=torch.float64)
        solution = torch.linalg.solve(square, ones.T @ y.double())
        self.skip.weight.copy_(solution[:-1].T)
        self.out.weight.mul_(_SMALL_START)
        self.out.bias.copy_(solution[-1])
