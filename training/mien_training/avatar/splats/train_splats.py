"""Learning a head of Gaussians from a film."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.avatar.anchors import AnchorAtlas, HairLayers, TorchAnchors
from mien_training.avatar.anchors.atlas import SIDES
from mien_training.avatar.expression.expression_network import ExpressionKind, expression_network
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.frame_order import frame_of_step
from mien_training.avatar.splats.frame_correction import FrameCorrection
from mien_training.avatar.splats.relocation import relocate
from mien_training.avatar.splats.splat_head import CHANGES, Cloud, SplatHead
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Report, silent
from mien_training.runs.trainer import Trained, Trainer, TrainerConfig

__all__ = ["SplatAvatar", "SplatsConfig", "train_splats"]

_ORDER = 29
"""Stream of the order of frames."""
_APPEARANCE_RATE = 0.1
"""Each frame's code is seen once a round: it must move far at each."""


@dataclass(frozen=True)
class SplatsConfig:
    """The Gaussians, what moves them, and how they learn."""

    network: ExpressionKind = "displacements"
    """What tells how an expression changes the Gaussians."""
    atlas: int = 128
    """Side of the anchor atlas, texels, one Gaussian each."""
    network_size: int = 64
    """Side of the maps that the network works on; the atlas takes its changes by interpolation."""
    widths: tuple[int, ...] = (16, 32, 64, 64)
    """Channels of the network's levels, the finest first."""
    hair_layers: bool = True
    """Gaussians above the scalp."""
    steps: int = 4000
    """One frame each."""
    rate: float = 0.01
    """Learning rate of the Gaussians at first; it ends at a tenth."""
    network_rate: float = 0.002
    """Learning rate of the network."""
    looked_at: float = 8.0
    """Weight of lips, lids, brows and the mouth's inside; of all else 1."""
    relocations: int = 4
    """How often Gaussians that have faded move to where one is too few, in the first 40 % of
    the training; 0 for never."""
    relocated: float = 0.1
    """Share of the Gaussians that move at once, at most."""
    correction: bool = True
    """Lets every frame of the film be a little elsewhere than tracked; not at run time."""
    correction_from: float = 0.15
    """Share of the steps after which frames may move."""
    correction_hold: float = 0.01
    """Weight of the square of these motions."""
    appearance: int = 0
    """Numbers of a code of each frame's own, which the network is told as well and which takes what
    light and camera change from frame to frame; zero at run time."""
    appearance_hold: float = 0.001
    """Weight of the square of these codes."""
    alpha_weight: float = 0.5
    """Weight of the difference of coverage, where the film's is known."""
    edges_weight: float = 0.5
    """Weight of the difference of neighbouring pixels' differences: sharpness."""
    seed: int = 0
    """Of initial values and of the order of frames."""

    def __post_init__(self) -> None:
        if self.network not in get_args(ExpressionKind):
            raise InputError(
                f"splats: network {self.network!r}, expected one of "
                f"{', '.join(get_args(ExpressionKind))}"
            )
        least, most = SIDES
        for name, side in (("atlas", self.atlas), ("network_size", self.network_size)):
            if not least <= side <= most:
                raise InputError(f"splats: {name} {side}, expected {least} to {most}")
        if not self.widths or min(self.widths) < 1:
            raise InputError(f"splats: widths {self.widths}, expected some, all above 0")
        halved = 2 ** (len(self.widths) - 1)
        if self.network_size % halved:
            raise InputError(
                f"splats: network_size {self.network_size}, expected a multiple of {halved} with "
                f"widths of {len(self.widths)} levels"
            )
        if self.steps < 1 or not all(0 < rate < inf for rate in (self.rate, self.network_rate)):
            raise InputError(
                f"splats: steps {self.steps}, rate {self.rate}, network_rate {self.network_rate}, "
                "expected above 0"
            )
        if not 0 <= self.appearance <= 64:
            raise InputError(f"splats: appearance {self.appearance}, expected 0 to 64")
        if not 1 <= self.looked_at < inf:
            raise InputError(f"splats: looked_at {self.looked_at}, expected 1 or more")
        if self.relocations < 0:
            raise InputError(f"splats: relocations {self.relocations}, expected 0 or more")
        if not (0 <= self.relocated <= 1 and 0 <= self.correction_from <= 1):
            raise InputError(
                f"splats: relocated {self.relocated}, correction_from {self.correction_from}, "
                "expected shares, 0..1"
            )
        for name in ("correction_hold", "appearance_hold", "alpha_weight", "edges_weight"):
            value = getattr(self, name)
            if not 0 <= value < inf:
                raise InputError(f"splats: {name} {value}, expected 0 or more")


class SplatAvatar(nn.Module):
    """Gaussians and the network that moves them."""

    neutral: Tensor

    def __init__(self, film: AvatarFilm, atlas: AnchorAtlas, config: SplatsConfig) -> None:
        super().__init__()
        torch.manual_seed(config.seed)
        layers = HairLayers.of(atlas, config.atlas) if config.hair_layers else None
        self.head = SplatHead(atlas, config.atlas, layers, config.seed)
        self.coarse = TorchAnchors(atlas.anchors(config.network_size))
        self.appearance = config.appearance
        codes = film.codes([0]).shape[1] + config.appearance
        self.network = expression_network(
            config.network, config.network_size, codes, CHANGES, config.widths
        )
        self.register_buffer("neutral", torch.from_numpy(film.person.vertices).float())

    def forward(self, vertices: Tensor, codes: Tensor, appearance: Tensor | None = None) -> Cloud:
        """vertices (B, V, 3), rig space; codes as `AvatarFilm.codes`; appearance (B, A) of frames,
        None: zero."""
        cloud: Cloud = self.head(vertices, self.changes(vertices, codes, appearance))
        return cloud

    def changes(self, vertices: Tensor, codes: Tensor, appearance: Tensor | None = None) -> Tensor:
        """(B, CHANGES, S, S) of the atlas's texels."""
        if appearance is None:
            appearance = codes.new_zeros(len(codes), self.appearance)
        codes = torch.cat([codes, appearance], 1)
        moved = self.coarse.image(self.coarse.interpolate(vertices - self.neutral))
        found: Tensor = self.network(moved, codes)
        size = (self.head.size, self.head.size)
        return F.interpolate(found, size, mode="bilinear", align_corners=False)


def train_splats(
    film: AvatarFilm, atlas: AnchorAtlas, config: SplatsConfig, looked_at: Tensor,
    checkpoint: Checkpoint | None = None, report: Report = silent,
    device: torch.device | None = None,
) -> tuple[SplatAvatar, FrameCorrection, Trained]:  # fmt: skip
    """looked_at (T, S, S): 0..1, pixels that count `config.looked_at` times.

    Raises InputError for a film without coverage.
    """
    if film.alpha is None:
        raise InputError("train_splats: a film without coverage, expected one with mattes")
    device = device or torch.device("cpu")
    avatar = SplatAvatar(film, atlas, config).to(device)
    centre = torch.from_numpy(film.person.vertices.mean(0))
    correction = FrameCorrection(film.training, centre).to(device)
    appearance = nn.Embedding(film.training, config.appearance).to(device)
    nn.init.normal_(appearance.weight, std=0.1)  # from zero they would all go one way
    module = nn.ModuleDict({"avatar": avatar, "correction": correction, "appearance": appearance})
    groups: list[dict[str, object]] = avatar.head.parameter_groups(config.rate)
    groups += [
        {"params": list(avatar.network.parameters()), "lr": config.network_rate},
        {"params": list(correction.parameters()), "lr": 0.05},
    ]
    if config.appearance:
        groups.append({"params": list(appearance.parameters()), "lr": _APPEARANCE_RATE})
    groups = [g for g in groups if g["params"]]
    optimiser = torch.optim.Adam(groups, eps=1e-12)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.1 ** (step / config.steps)
    )
    rng = np.random.default_rng(config.seed)
    late = int(config.correction_from * config.steps)
    moments = _relocations(config)

    def loss(step: int) -> Tensor:
        if step in moments:
            relocate(avatar.head, optimiser, int(config.relocated * len(avatar.head.anchor)))
        frame = frame_of_step(step, film.training, config.seed, _ORDER)
        index = torch.tensor([frame], device=device)
        own = appearance(index)
        cloud = avatar(film.vertices([frame]).to(device), film.codes([frame]).to(device), own)
        moving = config.correction and step >= late
        if moving:
            cloud = correction(cloud, index)
        drawn = cloud.image(film.camera(frame), film.side)
        backdrop = torch.from_numpy(rng.random(3).astype(np.float32)).to(device)
        total = image_loss(film, frame, drawn, backdrop, looked_at[frame].to(device), config)
        if moving:
            total = total + config.correction_hold * correction.size(index)
        if config.appearance:
            total = total + config.appearance_hold * own.square().mean()
        return total + 0.01 * regularity(avatar.head)

    trainer = Trainer(
        module, optimiser, TrainerConfig(config.steps, min(500, config.steps)), schedule=schedule,
        generators=[rng], checkpoint=checkpoint, report=report, stage="training splats",
    )  # fmt: skip
    trained = trainer.run(loss)  # the last state: held-out frames choose nothing
    return avatar, correction, trained


def _relocations(config: SplatsConfig) -> frozenset[int]:
    """Steps before which Gaussians move."""
    first, last = 0.15 * config.steps, 0.4 * config.steps
    return frozenset(int(step) for step in np.linspace(first, last, config.relocations))


def image_loss(
    film: AvatarFilm, frame: int, drawn: Tensor, backdrop: Tensor, looked_at: Tensor,
    config: SplatsConfig,
) -> Tensor:  # fmt: skip
    """Of a premultiplied image (S, S, 4), over `backdrop` where the film's coverage is known."""
    target = film.premultiplied(frame).to(drawn.device)
    weight = 1 + (config.looked_at - 1) * looked_at
    assert film.alpha is not None
    alpha = torch.from_numpy(film.alpha[frame]).to(drawn.device).float()[..., None] / 255
    if film.known is not None:
        known = torch.from_numpy(film.known[frame]).to(drawn.device)
        weight = weight * known
    # Over any other colour the film's own backdrop must not remain at the hair's edges.
    wanted = target + (1 - alpha) * backdrop
    found = drawn[..., :3] + (1 - drawn[..., 3:]) * backdrop
    coverage = (weight * (drawn[..., 3] - alpha[..., 0]).abs()).mean()
    return _apart(found, wanted, weight, config.edges_weight) + config.alpha_weight * coverage


def _apart(a: Tensor, b: Tensor, weight: Tensor, edges: float) -> Tensor:
    """Mean weighted distance of images (S, S, 3), and of their neighbours' differences."""
    error = a - b
    flat = (weight[..., None] * error.abs()).mean()
    across = (weight[:, 1:, None] * error.diff(dim=1).abs()).mean()
    down = (weight[1:, :, None] * error.diff(dim=0).abs()).mean()
    return flat + edges * (across + down)


def regularity(head: SplatHead) -> Tensor:
    """Gaussians stay near their anchors and of about their neighbours' size."""
    far = (head.place.abs() - 2.0).clamp_min(0).square().mean()
    large = (head.size_log - 1.0).clamp_min(0).square().mean()
    return far + large
