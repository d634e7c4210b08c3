"""The animator: whitened driver features -> a linear map, and what one recurrent layer adds to it.

Exactly the network of `mien_exporters.animator_weights`; here it learns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_exporters.animator_weights import AnimatorWeights

__all__ = ["COMPONENTS", "AnimatorNetwork", "NetworkConfig", "whiten"]

COMPONENTS = {
    "scores": 40,
    "landmarks": 80,
    "deep": 80,
    "deep_map": 160,
    "head_rotation": 3,
    "dt": 1,
}
"""Feature group -> principal components that are kept of it."""

_LEAST_SPREAD = 0.05
_RIDGE_PENALTY = 300.0
_SMALL_START = 0.1


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the animator, and how it is kept from learning its training set by heart."""

    hidden: int = 64
    """Hidden units of the recurrent layer."""
    embed: int = 128
    """Units between the whitened features and the recurrent layer."""
    recurrent: bool = True
    """False: a network of the same size that sees one frame only, for comparison."""
    input_noise: float = 0.3
    """Standard deviation of the noise added to the whitened features in training."""
    dropout: float = 0.2
    """Share of the embedding that is dropped in training."""
    clip_leak: float = 0.1
    """In training, slope of the output outside 0..1, so that a clipped channel still learns."""

    def __post_init__(self) -> None:
        if min(self.hidden, self.embed) < 1 or not 0 <= self.dropout < 1:
            raise InputError(
                f"NetworkConfig: hidden {self.hidden}, embed {self.embed}, dropout "
                f"{self.dropout}, expected units of 1 or more, a share below 1"
            )
        if not min(self.input_noise, self.clip_leak) >= 0:
            raise InputError(
                f"NetworkConfig: input_noise {self.input_noise}, clip_leak {self.clip_leak}, "
                "expected 0 or more"
            )


class AnimatorNetwork(nn.Module):
    """x (B, T, F) and state (1, B, H) twice -> channels (B, T, C) and the next state."""

    mean: Tensor
    projection: Tensor

    def __init__(
        self,
        mean: NDArray[np.float32],
        projection: NDArray[np.float32],
        channel_names: Sequence[str],
        groups: Sequence[tuple[str, int]],
        config: NetworkConfig,
    ) -> None:
        super().__init__()
        self.config = config
        self.channel_names = tuple(channel_names)
        self.groups = tuple(groups)
        hidden, embed = config.hidden, config.embed
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("projection", torch.tensor(projection, dtype=torch.float32))
        self.embed = nn.Linear(projection.shape[1], embed)
        self.dropout = nn.Dropout(config.dropout)
        self.recurrence: nn.Module
        if config.recurrent:
            self.recurrence = lstm = nn.LSTM(embed, hidden, batch_first=True)
            with torch.no_grad():
                forget = lstm.get_parameter("bias_ih_l0")[hidden : 2 * hidden]
                forget.fill_(1.0)  # begin by remembering
        else:
            self.recurrence = nn.Sequential(
                nn.Linear(embed, 4 * hidden), nn.Tanh(), nn.Linear(4 * hidden, hidden), nn.Tanh()
            )
        self.out = nn.Linear(hidden + embed, len(self.channel_names))
        self.skip = nn.Linear(projection.shape[1], len(self.channel_names), bias=False)

    @classmethod
    def from_statistics(
        cls,
        mean: NDArray[np.float32],
        projection: NDArray[np.float32],
        channel_names: Sequence[str],
        groups: Sequence[tuple[str, int]],
        config: NetworkConfig,
        seed: int,
    ) -> AnimatorNetwork:
        """A fresh network on what `whiten` returned; the same seed gives the same network.

        `groups` are those of `whiten`, ("dt", 1) last. torch's own random state is left alone.
        """
        if projection.ndim != 2 or mean.shape != projection.shape[:1]:
            raise InputError(
                f"animator network: mean has shape {mean.shape} and projection "
                f"{projection.shape}, expected (F,) and (F, P)"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(mean, projection, channel_names, groups, config)

    @torch.no_grad()
    def start_from_ridge(
        self, projected: Tensor, channels: Tensor, penalty: float = _RIDGE_PENALTY
    ) -> None:
        """Set the linear part to ridge regression of channels (N, C) on features (N, P).

        The rest starts small, so that training begins at what a linear map can do.
        """
        x = torch.cat([projected, torch.ones(len(projected), 1)], dim=1).double()
        square = x.T @ x + penalty * torch.eye(x.shape[1], dtype=torch.float64)
        solution = torch.linalg.solve(square, x.T @ channels.double())
        self.skip.weight.copy_(solution[:-1].T)
        self.out.weight.mul_(_SMALL_START)
        self.out.bias.copy_(solution[-1])

    def initial_state(self, batch: int) -> tuple[Tensor, Tensor]:
        """h0 and c0 (1, B, H) of a sequence's beginning."""
        zeros = torch.zeros(1, batch, self.config.hidden, device=self.mean.device)
        return zeros, zeros.clone()

    def project(self, x: Tensor) -> Tensor:
        """(..., F) features -> (..., P) whitened; done once for a training set, it never learns."""
        return (x - self.mean) @ self.projection

    def forward(self, x: Tensor, h0: Tensor, c0: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Channels in 0..1 (in training a little beyond), and the state after T."""
        return self.forward_projected(self.project(x), h0, c0)

    def forward_projected(
        self, projected: Tensor, h0: Tensor, c0: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` for features (B, T, P) that went through `project` already."""
        if self.training and self.config.input_noise:
            projected = projected + self.config.input_noise * torch.randn_like(projected)
        e = self.dropout(torch.tanh(self.embed(projected)))
        if self.config.recurrent:
            h, (hn, cn) = self.recurrence(e, (h0, c0))
        else:
            h, hn, cn = self.recurrence(e), h0, c0
        y = self.out(torch.cat([h, e], dim=-1)) + self.skip(projected)
        channels = y.clamp(0.0, 1.0)
        if self.training:
            channels = channels + self.config.clip_leak * (y - channels)
        return channels, hn, cn

    def export_weights(self) -> AnimatorWeights:
        """The network as plain arrays. Raises InputError for one without recurrence."""
        lstm = self.recurrence
        if not isinstance(lstm, nn.LSTM):
            raise InputError("animator network: only a recurrent one can be exported")

        def array(tensor: Tensor) -> NDArray[np.float32]:
            return tensor.detach().cpu().numpy().astype(np.float32)

        return AnimatorWeights(
            mean=array(self.mean),
            projection=array(self.projection),
            embed_w=array(self.embed.weight),
            embed_b=array(self.embed.bias),
            lstm_w_ih=array(lstm.get_parameter("weight_ih_l0")),
            lstm_w_hh=array(lstm.get_parameter("weight_hh_l0")),
            lstm_b_ih=array(lstm.get_parameter("bias_ih_l0")),
            lstm_b_hh=array(lstm.get_parameter("bias_hh_l0")),
            out_w=array(self.out.weight),
            skip_w=array(self.skip.weight),
            out_b=array(self.out.bias),
            channel_names=self.channel_names,
            groups=self.groups,
        )


def whiten(
    features: NDArray[np.floating],
    groups: Sequence[tuple[str, int]],
    components: Mapping[str, int] = COMPONENTS,
    noise_floor: float = 1e-3,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean (F,) and matrix (F, P) that whiten features (N, F), each group for itself.

    A group is standardised, and of it the leading principal components are kept, each divided by
    sqrt(its variance + floor): the floor is `noise_floor` of the group's whole variance, so that
    components which are mostly noise stay small. Features (and groups) that do not vary in the
    training set are given no weight, because nothing was learned of them.

    `groups` are (name, size) in order, for example (*layout.names_and_sizes, ("dt", 1)).
    Raises InputError for a size that does not fit, a group that `components` does not name, or
    values that are not finite.
    """
    total = sum(size for _, size in groups)
    if features.ndim != 2 or features.shape[1] != total or len(features) < 2:
        raise InputError(f"whiten: features have shape {features.shape}, expected (N, {total})")
    if not np.isfinite(features).all():
        raise InputError("whiten: features are not finite")
    missing = [name for name, _ in groups if name not in components]
    if missing:
        raise InputError(f"whiten: no number of components for {missing}")
    mean = features.mean(axis=0, dtype=np.float64)
    blocks, start = [], 0
    for name, size in groups:
        x = features[:, start : start + size].astype(np.float64) - mean[start : start + size]
        kept = min(components[name], size, len(features) - 1)
        block = np.zeros((total, kept))
        block[start : start + size] = _principal_components(x, kept, noise_floor)
        blocks.append(block)
        start += size
    return mean.astype(np.float32), np.concatenate(blocks, axis=1).astype(np.float32)


def _principal_components(
    x: NDArray[np.float64], kept: int, noise_floor: float
) -> NDArray[np.float64]:
    """(size, kept) from centred x (N, size)."""
    deviation = x.std(axis=0)
    # A feature that hardly moves beside its group is mostly noise: do not blow it up.
    least = _LEAST_SPREAD * float(np.sqrt(np.mean(deviation**2)))
    if least < 1e-9:  # rounding only
        return np.zeros((x.shape[1], kept))
    scale = 1.0 / np.maximum(deviation, least)
    z = x * scale
    variances, axes = np.linalg.eigh(z.T @ z / len(z))
    variances, axes = variances[::-1][:kept].clip(0), axes[:, ::-1][:, :kept]
    # The sign of an eigenvector is the solver's whim: make the largest entry positive.
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(kept)])
    floor = noise_floor * float((z**2).mean(axis=0).sum())
    result: NDArray[np.float64] = scale[:, None] * axes / np.sqrt(variances + floor)
    return result
