"""A net over the mesh that says how far each vertex of a first mesh is from the surface.

Samples in layers along the normals, a token for each vertex of the template, messages over the mesh
in several resolutions, attention among the places of the coarsest (layers and tokens after SHELLS,
SIGGRAPH 2026; messages in place of attention among all vertices, which a CPU pays for). How the
pictures moved the first mesh across the surface, all over the head, says whose head it is, and with
that where vertices lie along it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien_training.capture.refinement.mesh_levels import MeshLevels
from mien_training.capture.refinement.mesh_samples import MeshSamples, channels_of

__all__ = ["RefinementNet"]

_MOVED_M = 0.002
"""Unit of how far the pictures moved the first mesh."""
_HEADS = 4
_DOUBTED = -4.0
"""Untrained, what maps say of a mesh that pictures have moved is hardly believed."""
_UNIT_M = 0.01
_SPREAD_M = 0.001
_LEAST_M = 5e-5


class RefinementNet(nn.Module):
    """`MeshSamples` of all K vertices -> corrections (K, 3) and expected distances after them (K,),
    metres, head space."""

    layers_m: Tensor

    def __init__(
        self, features: int, vertices: int, levels: MeshLevels, layers: int = 9,
        spacing_m: float = 0.002, width: int = 64, token: int = 16,
    ) -> None:  # fmt: skip
        """features: of the correspondence net; spacing_m: from one layer to the next."""
        super().__init__()
        self.levels = levels
        steps = torch.arange(layers) - 0.5 * (layers - 1)
        self.register_buffer("layers_m", spacing_m * steps, persistent=False)
        self.token = nn.Parameter(0.1 * torch.randn(vertices, token))
        self.of_sample = nn.Sequential(
            nn.Linear(channels_of(features), 32), nn.SiLU(), nn.Linear(32, 16), nn.SiLU()
        )
        told = 16 * layers + 3 + 3 + 3 + 3 + 5 + token
        self.first = nn.Sequential(nn.Linear(told, width), nn.SiLU(), nn.Linear(width, width))
        depth = len(levels.neighbours)
        self.before = nn.ModuleList(_Messages(width) for _ in range(depth))
        self.among = nn.TransformerEncoderLayer(
            width, _HEADS, 2 * width, 0.0, F.gelu, batch_first=True, norm_first=True
        )
        self.after = nn.ModuleList(_Messages(width) for _ in range(depth - 1))
        self.joined = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, layers + 5)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        with torch.no_grad():
            self.last.bias[-5] = _DOUBTED

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> RefinementNet:
        """Sparse matrices go where the parameters go; as buffers, averages would copy them."""
        self.levels = self.levels.mapped(fn)
        return super()._apply(fn, recurse)  # type: ignore[no-any-return, no-untyped-call]

    def forward(
        self, samples: MeshSamples, places: Tensor, moved: Tensor, kept: Tensor
    ) -> tuple[Tensor, Tensor]:
        """places (K, 3): of the vertices, head space, metres; moved (K, 3): from where the linear
        model had them; kept (K,): how much of what pictures asked for is in that."""
        shown = self.of_sample(samples.fused).flatten(1)
        # What is beyond two centimetres is a mistake, not a correction.
        closest = (samples.closest / _UNIT_M).clamp(-2, 2)
        off = moved / _MOVED_M
        across = (off * samples.normals).sum(1, keepdim=True)
        x = self.first(
            torch.cat(
                [
                    shown, closest, samples.support, samples.normals, 10 * places, off, across,
                    kept[:, None], self.token,
                ], 1,
            )
        )  # fmt: skip
        held = []
        for depth, block in enumerate(self.before):
            x = block(
                self.levels.down[depth - 1] @ x if depth else x, self.levels.neighbours[depth]
            )
            held.append(x)
        x = self.among(x[None])[0]
        for depth in range(len(held) - 2, -1, -1):
            raised = self.levels.up[depth] @ x
            x = self.joined[depth](torch.cat([raised, held[depth]], 1))
            x = self.after[depth](x, self.levels.neighbours[depth])
        out = self.last(x)
        along = (out[:, : len(self.layers_m)].softmax(1) @ self.layers_m)[:, None]
        trust, free, doubt = out[:, -5:-4], out[:, -4:-1], out[:, -1]
        step = torch.sigmoid(trust) * _UNIT_M * closest
        step = step + along * samples.normals + 0.1 * _UNIT_M * free
        return step, _LEAST_M + _SPREAD_M * F.softplus(doubt + 1)


class _Messages(nn.Module):
    """A residual step: each place sees the mean of its neighbours, twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.even = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.mixed = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(2))
        self.out = nn.ModuleList(nn.Linear(width, width) for _ in range(2))

    def forward(self, x: Tensor, neighbours: Tensor) -> Tensor:
        for even, mixed, out in zip(self.even, self.mixed, self.out, strict=True):
            now = even(x)
            x = x + out(F.silu(mixed(torch.cat([now, neighbours @ now], 1))))
        return x
