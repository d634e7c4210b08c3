"""Skin detail for a head of whom there are no images: drawn, of a given age."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.rig import Rig
from mien_exporters.detail.detail_run import DetailRun
from mien_training.detail.finish import tangent_frames
from mien_training.detail.region_tension import RegionTension
from mien_training.detail.wrinkle_network import train_wrinkle_network
from mien_training.detail.wrinkle_regions import MASK_SIDE, REGION_NAMES, region_masks
from mien_training.head import Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.synthetic.relief import SkinRelief

__all__ = ["drawn_detail"]


def drawn_detail(
    template: Template, rig: Rig, source: NDArray[np.integer], age: float, seed: int,
    size: int = 1024,
) -> DetailRun:  # fmt: skip
    """rig, source: what `rig_from_template` made of the head; age: 0 youth, 1 old age; size: side
    of the maps, texels. Raises InputError for other ages."""
    first = np.unique(source, return_index=True)[1]
    head = replace(template, vertices=np.ascontiguousarray(rig.vertices[first]))
    relief = SkinRelief.draw(FaceFrame.of(head, head.vertices), seed, age)
    atlas = FaceAtlas.of(head)
    texels = atlas.texels(size)
    found = relief.at(texels.interpolate(head.vertices))
    maps = np.zeros((3, size * size), np.float32)
    maps[:, texels.texel] = (found.at_rest, found.compressed, found.stretched)
    places = atlas.places[source]
    network = train_wrinkle_network(RegionTension.of(rig, places), seed)
    return DetailRun(
        name=rig.name, maps=maps.reshape(3, size, size),
        tangent_from_atlas=tangent_frames(atlas, size), masks=region_masks(MASK_SIDE),
        region_names=REGION_NAMES, places=places, vertices=rig.vertices,
        channel_names=rig.shape_names, layers=network.layers,
        provenance={"drawn": {"age": age, "seed": seed}, "network": network.errors},
    )  # fmt: skip
