"""A head as a volume that follows its mesh: MonoAvatar (Bai et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.avatar import Pinhole, PinholeCamera
from mien.errors import InputError
from mien_training.avatar.anchors import AnchorAtlas, TorchAnchors
from mien_training.avatar.expression.expression_network import expression_network
from mien_training.avatar.volume.anchoring import (
    Nearby,
    NearestAnchors,
    PosedAnchors,
    PosedSurface,
    SurfaceAnchors,
)
from mien_training.avatar.volume.quadrature import Gathered, cell_lengths, gather
from mien_training.avatar.volume.radiance_net import RadianceNet
from mien_training.avatar.volume.ray_samples import even_samples, weighted_samples
from mien_training.avatar.volume.shell import Rays, Shell
from mien_training.avatar.volume.volume_config import VolumeConfig
from mien_training.geometry.alignment import fit_alignment
from mien_training.head import Template

__all__ = ["PosedVolume", "VolumeAvatar"]

Float64Array = NDArray[np.float64]
Warp = Callable[[Tensor], Tensor]
"""(P, 3) points of the film's space -> the head's own."""
_POINTS = 1 << 15
"""Asked at once: what the CPU's cache still likes."""
_STILL = 0.5
"""Part of the vertices, those that shapes move least, by which a head's own space is found."""


class VolumeAvatar(nn.Module):
    """Static features, the network that changes them, and the coarse and the fine radiance net."""

    neutral: Tensor

    def __init__(
        self, person: Template, codes: int, atlas: AnchorAtlas, config: VolumeConfig
    ) -> None:
        """codes: how many there are (`AvatarFilm.codes`). Raises InputError for a person without
        scalp or eyes where hair is asked for."""
        super().__init__()
        torch.manual_seed(config.seed)
        size = config.sizes
        self.config = config
        self.register_buffer("neutral", torch.from_numpy(person.vertices).float())
        moves = np.square(person.shape_deltas).sum(2).max(0, initial=0.0)
        self.still: NDArray[np.bool_] = moves <= np.quantile(moves, _STILL)
        self.shell = Shell(person, config.hair)
        self.map_anchors = TorchAnchors(atlas.anchors(size.map))
        self.network = expression_network(
            config.network, size.map, codes, size.features, size.widths
        )
        self.static = nn.Parameter(0.1 * torch.randn(size.features, size.map, size.map))
        self.anchoring = (
            NearestAnchors(atlas, config.atlas, config.hair, size.features)
            if config.anchoring == "nearest"
            else SurfaceAnchors(atlas, size.map, self.shell.thickness_m)
        )
        self.coarse, self.fine = RadianceNet(size), RadianceNet(size)

    def forward(self, vertices: Tensor, codes: Tensor) -> list[PosedVolume]:
        """Of B meshes (B, V, 3), metres, and codes (B, C)."""
        if vertices.ndim != 3 or vertices.shape[1:] != self.neutral.shape:
            raise InputError(
                f"VolumeAvatar: vertices {tuple(vertices.shape)}, expected "
                f"(B, {len(self.neutral)}, 3)"
            )
        spaces = [self._head_space(v) for v in vertices]
        own = torch.stack([v for v, _ in spaces])
        moved = self.map_anchors.image(self.map_anchors.interpolate(own - self.neutral))
        tables = self.anchoring.table(self.static + self.network(moved, codes))
        return [
            PosedVolume(
                self, table, v, self.anchoring.pose(v if self.config.posed else self.neutral), back
            )
            for table, (v, back) in zip(tables, spaces, strict=True)
        ]

    def image(self, vertices: Tensor, codes: Tensor, camera: PinholeCamera, side: int) -> Tensor:
        """(side, side, 4) premultiplied display codes 0..1, of one frame: (1, V, 3), (1, C)."""
        with torch.no_grad():
            posed: PosedVolume = self(vertices, codes)[0]
            return posed.image(camera, side)

    def _head_space(self, vertices: Tensor) -> tuple[Tensor, Float64Array]:
        """(V, 3) the mesh as if the head had not moved, and (4, 4) from there to its space.

        The paper takes the neck's pose out of its head model; this needs no joints.
        """
        v = vertices.detach().cpu().numpy().astype(np.float64)
        fit = fit_alignment(v, self.neutral.cpu().numpy(), "rigid", self.still)
        back = np.eye(4)
        back[:3, :3] = fit.rotation.T
        back[:3, 3] = -fit.rotation.T @ fit.translation
        return torch.from_numpy(fit.points(v).astype(np.float32)).to(vertices.device), back


@dataclass(frozen=True, eq=False)
class PosedVolume:
    """One frame's volume."""

    avatar: VolumeAvatar
    table: Tensor
    """(N, F) features."""
    vertices: Tensor
    """(V, 3) head space, metres."""
    anchors: PosedAnchors | PosedSurface
    space_from_head: Float64Array
    """(4, 4) rigid, to where the caller has the mesh."""

    def rays(self, camera: PinholeCamera, side: int) -> Rays:
        """Those of an image's pixels that may meet the head, in head space."""
        pose = np.asarray(camera.camera_from_world, np.float64) @ self.space_from_head
        return self.avatar.shell.rays(
            self.vertices, Pinhole(np.asarray(camera.K, np.float64), pose), side
        )

    def march(
        self, rays: Rays, places: tuple[Tensor, Tensor] | None = None, warp: Warp | None = None
    ) -> tuple[Gathered, Gathered]:
        """What the coarse and the fine net see along R rays.

        places: (R, N) of the coarse net's samples and (R, M) of the fine one's further ones, 0..1
        within their parts, random in training; the middles if left out.
        """
        count, further = self.avatar.config.sizes.samples
        if places is None:
            middle = self.table.new_full((1,), 0.5)
            places = (middle.expand(len(rays), count), middle.expand(len(rays), further))
        t = even_samples(rays.near, rays.far, places[0])
        lengths = cell_lengths(t, rays.near, rays.far)
        near = self._nearby(rays.points(t), warp)
        coarse = gather(*self._radiance(self.avatar.coarse, [near], rays), lengths)
        with torch.no_grad():
            more = weighted_samples(rays.near, lengths, coarse.weights, places[1])
        second = self._nearby(rays.points(more), warp)
        density, colour = self._radiance(self.avatar.fine, [near, second], rays)
        t, order = torch.cat([t, more], 1).sort(1)
        fine = gather(
            density.gather(1, order), colour.gather(1, order[..., None].expand(-1, -1, 3)),
            cell_lengths(t, rays.near, rays.far),
        )  # fmt: skip
        return coarse, fine

    def density(self, points: Tensor) -> Tensor:
        """(P,) per metre, by the fine net, at points (P, 3), head space."""
        near = self.anchors.nearby(points)
        found: Tensor = self.avatar.fine(near, self.table, torch.zeros_like(points))[0]
        return found

    def image(self, camera: PinholeCamera, side: int, warp: Warp | None = None) -> Tensor:
        """(side, side, 4) premultiplied display codes 0..1. warp: for study, see `ErrorWarp`."""
        rays = self.rays(camera, side)
        found = self.table.new_zeros(side**2, 4)
        step = max(1, _POINTS // sum(self.avatar.config.sizes.samples))
        for n in range(ceil(len(rays) / step)):
            part = rays.only(slice(n * step, (n + 1) * step))
            seen = self.march(part, warp=warp)[1]
            found[part.pixels] = torch.cat([seen.colour, seen.alpha[:, None]], 1)
        return found.reshape(side, side, 4)

    def _nearby(self, points: Tensor, warp: Warp | None) -> Nearby:
        flat = points.reshape(-1, 3)
        return self.anchors.nearby(flat if warp is None else warp(flat))

    def _radiance(self, net: RadianceNet, parts: list[Nearby], rays: Rays) -> tuple[Tensor, Tensor]:
        """(R, N) and (R, N, 3), part beside part; nothing is asked where there is no density."""
        densities, colours = [], []
        for near in parts:
            count = len(near.presence)
            each = count // len(rays)
            inside = (near.presence > 0).nonzero()[:, 0]
            view = rays.directions[inside // each]
            density, colour = net(near.only(inside), self.table, view)
            zeros = self.table.new_zeros(count)
            densities.append(zeros.index_put((inside,), density).reshape(-1, each))
            zeros = self.table.new_zeros(count, 3)
            colours.append(zeros.index_put((inside,), colour).reshape(-1, each, 3))
        return torch.cat(densities, 1), torch.cat(colours, 1)
