"""The anchor atlas: one square image of all that a head shows, every triangle at its own place.

Heads come with texture coordinates in which materials lie upon each other, left upon right, one
eye upon the other. This atlas is made from the mesh alone: parts are cut into discs (`pieces`),
these are laid flat (`flatten`) into rectangles of which the square is made up (`packing`), and
`importance` says how large each triangle should be.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from mien.avatar.anchors import Anchors
from mien.errors import InputError
from mien_training.avatar.anchors.importance import GROUP_SHARES, triangle_groups, wanted_areas
from mien_training.avatar.anchors.layout.flatten import flatten
from mien_training.avatar.anchors.layout.packing import Rectangle, cut_up
from mien_training.avatar.anchors.layout.pieces import Piece, cut_into_discs
from mien_training.avatar.anchors.mouth_sheet import MouthSheet, mouth_sheet
from mien_training.avatar.anchors.owners import give_texels
from mien_training.avatar.anchors.sightings import sightings
from mien_training.head import Template
from mien_training.rendering.visibility import rasterize

__all__ = ["AnchorAtlas"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]

SIDES = (64, 512)
"""Texels that an atlas may have a side."""
_GAP = 1.0 / 512
"""Between a piece and its rectangle's border, at least about this."""


@dataclass(frozen=True, eq=False)
class AnchorAtlas:
    """Of one topology. A is the number of the atlas's own vertices, split where it is cut."""

    template: Template
    triangles: Int32Array
    """(F', 3) the atlas's vertices: the template's triangles, then those of the sheet."""
    uvs: Float32Array
    """(A, 2) in 0..1, (0, 0) the upper left corner."""
    source: Int32Array
    """(A,) vertex of the template; from V on those of the sheet."""
    group: NDArray[np.str_]
    """(F',) name of the region from GROUP_SHARES."""
    piece: Int32Array
    """(F',) which of the connected pieces of the atlas."""
    seen: NDArray[np.bool_]
    """(F',) whether any camera may see the triangle."""
    sheet: MouthSheet | None
    regions: dict[str, Rectangle]
    """Left, top, width and height of each group's rectangle."""
    _kept: dict[int, Anchors] = field(default_factory=dict)

    @classmethod
    def of(cls, template: Template) -> AnchorAtlas:
        """Some seconds. Raises InputError for a head without eyeballs."""
        sheet = mouth_sheet(template)
        sight = sightings(template)
        vertices, triangles = template.vertices.astype(np.float64), template.triangles
        groups, wanted = triangle_groups(template), wanted_areas(template, sight.seen)
        seen, towards = sight.seen, sight.towards
        if sheet is not None:
            count = len(sheet.triangles)
            triangles = np.concatenate([triangles, sheet.triangles + np.int32(len(vertices))])
            vertices = np.concatenate([vertices, sheet.vertices(template.vertices)])
            groups = np.concatenate([groups, np.full(count, "mouthSheet")])
            share = GROUP_SHARES["mouthSheet"]
            wanted = np.concatenate([(1 - share) * wanted, np.full(count, share / count)])
            seen = np.concatenate([seen, np.ones(count, np.bool_)])
            towards = np.concatenate([towards, np.tile([0.0, 0.0, 1.0], (count, 1))])
        pieces, of_group = [], []
        for name in GROUP_SHARES:
            inside = np.flatnonzero(groups == name)
            worth = _worth(vertices, triangles[inside], wanted[inside])
            for piece in cut_into_discs(vertices, triangles[inside], worth, towards[inside]):
                pieces.append(Piece(inside[piece.triangles], piece.corners, piece.source))
                of_group.append(name)
        places, rectangles = _lay_out(vertices, pieces, of_group, wanted)
        corners = np.empty(triangles.shape, np.int32)
        of_piece = np.empty(len(triangles), np.int32)
        start = 0
        for number, piece in enumerate(pieces):
            corners[piece.triangles] = piece.corners + start
            of_piece[piece.triangles] = number
            start += len(piece.source)
        source = np.concatenate([piece.source for piece in pieces]).astype(np.int32)
        return cls(
            template, corners, np.concatenate(places).astype(np.float32), source, groups, of_piece,
            seen, sheet, rectangles,
        )  # fmt: skip

    def anchors(self, size: int) -> Anchors:
        """The texels of a square of `size` a side that lie on the head; kept."""
        if not SIDES[0] <= size <= SIDES[1]:
            raise InputError(f"AnchorAtlas.anchors: size {size}, expected {SIDES[0]} to {SIDES[1]}")
        if size not in self._kept:
            self._kept[size] = self._make(size)
        return self._kept[size]

    def _make(self, size: int) -> Anchors:
        clip = np.zeros((1, len(self.uvs), 4), np.float32)
        clip[0, :, :2] = 2.0 * self.uvs - 1.0
        clip[0, :, 3] = 1.0
        drawn = rasterize(torch.from_numpy(clip), torch.from_numpy(self.triangles), (size, size))
        owner = drawn.tri_id[0].reshape(-1).numpy().astype(np.int32)
        owner, bary = give_texels(owner, self.uvs[self.triangles], self.seen, size)
        texel = np.flatnonzero(owner >= 0)
        count = len(self.template.vertices)
        sheet = self.sheet
        vertices = self.template.vertices.astype(np.float64)
        if sheet is not None:
            vertices = np.concatenate([vertices, sheet.vertices(self.template.vertices)])
        p = vertices[self.source[self.triangles]]
        area = 0.5 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
        around = np.bincount(self.source[self.triangles].ravel(), np.repeat(area, 3), len(vertices))
        none = np.empty((0, 6))
        return Anchors(
            size, texel, owner[texel], bary[texel], self.triangles, self.uvs, self.source, count,
            around.astype(np.float32),
            (none if sheet is None else sheet.corners).astype(np.int32),
            (none if sheet is None else sheet.weights).astype(np.float32),
        )  # fmt: skip


def _worth(vertices: Float64Array, triangles: Int32Array, wanted: Float64Array) -> Float64Array:
    """(F,) share of the atlas per area."""
    p = vertices[triangles]
    area = 0.5 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    return np.asarray(wanted / np.maximum(area, 1e-12))


def _lay_out(
    vertices: Float64Array, pieces: list[Piece], of_group: list[str], wanted: Float64Array
) -> tuple[list[Float64Array], dict[str, Rectangle]]:
    """(n, 2) texture coordinates of each piece's vertices, and each group's rectangle."""
    names = [name for name in GROUP_SHARES if name in of_group]
    shares = [wanted[p.triangles].sum() for p in pieces]
    totals = [sum(s for s, g in zip(shares, of_group, strict=True) if g == n) for n in names]
    rectangles = dict(zip(names, cut_up(totals, (0.0, 0.0, 1.0, 1.0)), strict=True))
    places: list[Float64Array] = [np.empty((0, 2))] * len(pieces)
    for name in names:
        inside = [i for i, g in enumerate(of_group) if g == name]
        # However little is seen of a piece, it has a place.
        least = 0.02 * max(shares[i] for i in inside)
        boxes = cut_up([max(shares[i], least) for i in inside], rectangles[name])
        for i, (left, top, width, height) in zip(inside, boxes, strict=True):
            piece = pieces[i]
            margin = min(_GAP, 0.06 * min(width, height))
            flat = flatten(
                vertices[piece.source], piece.corners, wanted[piece.triangles], (width, height),
                margin,
            )  # fmt: skip
            places[i] = np.stack([left + flat[:, 0], top + height - flat[:, 1]], 1)
    return places, rectangles
