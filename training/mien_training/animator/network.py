"""The animator: whitened driver features -> a linear map, and what one recurrent layer adds to it.

Exactly the network of `mien_exporters.animator_weights`; here it learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_exporters.animator_weights import AnimatorWeights
from mien_training.networks.recurrent import RecurrentLayer, RecurrentRegression

__all__ = ["COMPONENTS", "AnimatorNetwork", "NetworkConfig"]

COMPONENTS = {
    "scores": 40,
    "landmarks": 80,
    "deep": 80,
    "deep_map": 160,
    "head_rotation": 3,
    "dt": 1,
}
"""Feature group -> principal components that are kept of it."""

_RIDGE_PENALTY = 300.0


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
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("projection", torch.tensor(projection, dtype=torch.float32))
        self.regression = RecurrentRegression(
            projection.shape[1], len(self.channel_names), config.embed, config.hidden,
            config.recurrent, config.dropout,
        )  # fmt: skip

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

    def start_from_ridge(
        self, projected: Tensor, channels: Tensor, penalty: float = _RIDGE_PENALTY
    ) -> None:
        """Begin as ridge regression of channels (N, C) on features (N, P)."""
        self.regression.start_from_ridge(projected, channels, penalty)

    def initial_state(self, batch: int) -> tuple[Tensor, Tensor]:
        """h0 and c0 (1, B, H) of a sequence's beginning."""
        return self.regression.initial_state(batch)

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
        y, hn, cn = self.regression(projected, h0, c0)
        channels = y.clamp(0.0, 1.0)
        if self.training:
            channels = channels + self.config.clip_leak * (y - channels)
        return channels, hn, cn

    def export_weights(self) -> AnimatorWeights:
        """The network as plain arrays. Raises InputError for one without recurrence."""
        learnt = self.regression
        lstm = learnt.recurrence
        if not isinstance(lstm, RecurrentLayer):
            raise InputError("animator network: only a recurrent one can be exported")

        def array(tensor: Tensor) -> NDArray[np.float32]:
            return tensor.detach().cpu().numpy().astype(np.float32)

        return AnimatorWeights(
            mean=array(self.mean),
            projection=array(self.projection),
            embed_w=array(learnt.embed.weight),
            embed_b=array(learnt.embed.bias),
            lstm_w_ih=array(lstm.get_parameter("weight_ih_l0")),
            lstm_w_hh=array(lstm.get_parameter("weight_hh_l0")),
            lstm_b_ih=array(lstm.get_parameter("bias_ih_l0")),
            lstm_b_hh=array(lstm.get_parameter("bias_hh_l0")),
            out_w=array(learnt.out.weight),
            skip_w=array(learnt.skip.weight),
            out_b=array(learnt.out.bias),
            channel_names=self.channel_names,
            groups=self.groups,
        )
