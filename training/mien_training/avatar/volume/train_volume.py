"""Learning a volume from a film."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.frame_order import frame_of_step
from mien_training.avatar.volume.error_warp import BANDS, ErrorWarp
from mien_training.avatar.volume.quadrature import Gathered
from mien_training.avatar.volume.shell import Rays
from mien_training.avatar.volume.volume_avatar import VolumeAvatar
from mien_training.avatar.volume.volume_config import VolumeConfig
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Report, silent
from mien_training.runs.trainer import Trained, Trainer, TrainerConfig

__all__ = ["keeps_rays", "train_volume"]

_CHECK = 500
_ORDER = 30
"""Stream of the order of frames."""
_KEPT = 1 << 23
"""Pixels of films whose rays are kept, of some 28 bytes each."""
_CLIP = 0.3
"""Longest gradient, some ten times the usual one: a rare frame must not throw the rest over."""
_ELASTIC_POINTS = 64
_ELASTIC_LATE = 0.39
"""155,000 of the paper's 400,000 steps."""


def train_volume(
    film: AvatarFilm, atlas: AnchorAtlas, config: VolumeConfig, looked_at: Tensor,
    checkpoint: Checkpoint | None = None, report: Report = silent,
    device: torch.device | None = None,
) -> tuple[VolumeAvatar, ErrorWarp, Trained]:  # fmt: skip
    """looked_at (T, S, S): 0..1, pixels drawn up to `config.looked_at` times as often.

    The last state is kept, not the best on held-out frames. The warp is returned for study; the
    avatar does not use it. Raises InputError for a film without coverage: without it a volume
    explains what is behind the head as well, and for other shapes.
    """
    if film.alpha is None:
        raise InputError("train_volume: the film's coverage is not known: find its mattes first")
    if looked_at.shape != film.images.shape[:3]:
        raise InputError(
            f"train_volume: looked_at {tuple(looked_at.shape)}, expected {film.images.shape[:3]}"
        )
    device = device or torch.device("cpu")
    size, steps, rate = config.sizes, config.step_count, config.learning_rate
    avatar = VolumeAvatar(film.person, film.codes([0]).shape[1], atlas, config).to(device)
    warp = ErrorWarp(film.training, *size.warp).to(device)
    module = nn.ModuleDict({"avatar": avatar, "warp": warp})
    (features, network), (moving, coding) = size.speeds, size.warp_speeds
    special = {"static": features, "anchoring.own": features}
    special |= {f"network.{n}": network for n, _ in avatar.network.named_parameters()}
    groups = [
        {"params": [p for n, p in avatar.named_parameters() if special.get(n, 1.0) == speed],
         "lr": speed * rate}
        for speed in sorted({1.0, features, network})
    ]  # fmt: skip
    groups += [
        {"params": [p for p in warp.parameters() if p is not warp.codes], "lr": moving * rate},
        {"params": [warp.codes], "lr": coding * rate},
    ]
    groups = [g for g in groups if g["params"]]
    optimiser = torch.optim.Adam(groups, eps=1e-10, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.1 ** (step / steps))
    kept: dict[int, Rays] = {}
    late, opening = config.warp_from * steps, config.warp_opened * steps

    def loss(step: int) -> Tensor:
        frame = frame_of_step(step, film.training, config.seed, _ORDER)
        rng = np.random.default_rng((config.seed, 31, step))
        posed = avatar(film.vertices([frame]).to(device), film.codes([frame]).to(device))[0]
        rays = kept.get(frame) or posed.rays(film.camera(frame), film.side)
        if keeps_rays(film):
            kept[frame] = rays
        rays = _chosen(rays, _odds(film, frame, looked_at[frame], config), size.rays, rng)
        if not len(rays):
            return 0.0 * avatar.static.sum()

        def noise(count: int) -> Tensor:
            return torch.from_numpy(rng.random((len(rays), count), np.float32)).to(device)

        places = (noise(size.samples[0]), noise(size.samples[1]))
        if not (config.warp and step >= late):
            seen = posed.march(rays, places)
            return _image_loss(film, frame, rays, seen, noise(3), config.alpha_weight)
        opened = BANDS * min(1.0, (step - late) / opening)
        asked: list[Tensor] = []
        went: list[Tensor] = []

        def warped(points: Tensor) -> Tensor:
            moved: Tensor = warp(points, frame, opened)
            asked.append(points)
            went.append(1000 * (moved - points))
            return moved

        seen = posed.march(rays, places, warped)
        total = _image_loss(film, frame, rays, seen, noise(3), config.alpha_weight)
        hold = torch.cat(went).square().sum(1).mean()
        some = torch.from_numpy(rng.integers(len(asked[0]), size=_ELASTIC_POINTS)).to(device)
        elastic = config.warp_elastic * (1.0 if step < _ELASTIC_LATE * steps else 0.1)
        stretch = warp.elastic(asked[0][some], frame, opened) if elastic else 0.0
        return total + config.warp_hold * hold + elastic * stretch

    trainer = Trainer(
        module, optimiser, TrainerConfig(steps, min(_CHECK, steps), _CLIP), schedule=schedule,
        checkpoint=checkpoint, report=report, stage="training the volume",
    )  # fmt: skip
    trained = trainer.run(loss)
    return avatar, warp, trained


def keeps_rays(film: AvatarFilm) -> bool:
    """Whether rays of all frames have room in memory, and are found once."""
    return film.training * film.side**2 <= _KEPT


def _odds(
    film: AvatarFilm, frame: int, looked_at: Tensor, config: VolumeConfig
) -> NDArray[np.float64]:
    """(S^2,) of a frame's pixels to be drawn."""
    assert film.alpha is not None
    odds = 1 + (config.looked_at - 1) * looked_at.cpu().double().numpy()
    odds *= np.where(film.alpha[frame] > 0, 1.0, config.empty)
    if film.known is not None:
        odds *= film.known[frame]
    return np.asarray(odds.reshape(-1))


def _chosen(rays: Rays, odds: NDArray[np.float64], count: int, rng: np.random.Generator) -> Rays:
    """`count` of a frame's rays, drawn by the odds (S^2,) of their pixels; none if all are 0."""
    total = odds[rays.pixels.cpu().numpy()].cumsum()
    if not len(total) or not total[-1] > 0:
        return rays.only(slice(0, 0))
    drawn = np.searchsorted(total, rng.random(count) * total[-1], side="right")
    return rays.only(torch.from_numpy(drawn.clip(0, len(total) - 1)).to(rays.near.device))


def _image_loss(
    film: AvatarFilm, frame: int, rays: Rays, seen: tuple[Gathered, Gathered], backdrop: Tensor,
    alpha_weight: float,
) -> Tensor:  # fmt: skip
    """Squares of differences of colour, before a backdrop (R, 3) of its own for every ray, and of
    coverage, of the coarse and the fine net."""
    assert film.alpha is not None
    device, pixels = rays.near.device, rays.pixels.cpu()
    target = film.premultiplied(frame).reshape(-1, 3)[pixels].to(device)
    alpha = torch.from_numpy(film.alpha[frame].reshape(-1)[pixels.numpy()]).to(device).float() / 255
    wanted = target + (1 - alpha[:, None]) * backdrop
    total = target.new_zeros(())
    for each in seen:
        total = total + (each.over(backdrop) - wanted).square().mean()
        total = total + alpha_weight * (each.alpha - alpha).square().mean()
    return total
