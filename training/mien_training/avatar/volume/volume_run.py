"""A learnt volume as the run that `mien export` reads, on the vertices of the rig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.consent import Consent
from mien.errors import InputError
from mien_exporters.avatar.volume.volume_run import FieldShape, VolumeRun
from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.even_frames import even_frames
from mien_training.avatar.volume.anchoring import FADE_M, REACH_M, NearestAnchors
from mien_training.avatar.volume.radiance_net import DENSITY, SOLID, SOLID_M
from mien_training.avatar.volume.shell import BELOW_M, SKIN_M
from mien_training.avatar.volume.volume_avatar import VolumeAvatar
from mien_training.head import rig_from_template, rig_vertex_of_template

__all__ = ["volume_run"]

_NETWORKS = ("network", "coarse", "fine")
_MOST_FRAMES = 32
"""That bounds are found from."""


def volume_run(
    film: AvatarFilm, atlas: AnchorAtlas, avatar: VolumeAvatar, consent: Consent | None,
    metrics: Mapping[str, Any], provenance: Mapping[str, Any],
) -> VolumeRun:  # fmt: skip
    """Of a volume on the CPU. Raises InputError for one that takes its features from the surface,
    or whose anchors stay: packages have no such kind."""
    placed = avatar.anchoring
    if not isinstance(placed, NearestAnchors) or not avatar.config.posed:
        raise InputError(
            "volume: only one of anchoring `nearest`, on posed anchors, can be packed; the others "
            "are there to be compared with"
        )
    person, config = film.person, avatar.config
    rig, source = rig_from_template(person, person.name)
    first = rig_vertex_of_template(source, len(person.vertices))
    there = first >= 0
    thickness_m = avatar.shell.thickness_m.numpy()
    on_rig: NDArray[np.float32] = np.zeros(len(rig.vertices), np.float32)
    on_rig[first[there]] = thickness_m[there]
    size = config.sizes
    weights = {
        name: value.detach().numpy().copy()
        for name, value in avatar.named_parameters()
        if name.partition(".")[0] in _NETWORKS
    }
    weights["static"] = avatar.static.detach().numpy().copy()
    weights["own"] = placed.own.detach().numpy().copy()
    frames = even_frames(film.training, _MOST_FRAMES)
    posed, thick = film.vertices(frames).numpy(), thickness_m[:, None]
    return VolumeRun(
        name=person.name,
        anchors=atlas.anchors(config.atlas).for_rig(first, len(rig.vertices)),
        map_anchors=atlas.anchors(size.map).for_rig(first, len(rig.vertices)),
        chosen=placed.get_buffer("chosen").numpy().astype(np.int32),
        offsets_m=np.asarray(placed.offsets_m, np.float32),
        triangles=first[person.triangles], thickness_m=on_rig,
        still=first[avatar.still & there], network=config.network, weights=weights,
        shape=FieldShape(
            longest_m=size.longest_m, offset_bands=size.bands[0], view_bands=size.bands[1],
            coarse_samples=size.samples[0], fine_samples=size.samples[1], density_per_m=DENSITY,
            solid=SOLID, solid_m=SOLID_M, reach_m=REACH_M, fade_m=FADE_M, skin_m=SKIN_M,
            below_m=BELOW_M,
        ),
        channel_names=person.shape_names, vertices=rig.vertices,
        bounds_m=np.stack([(posed - thick).min((0, 1)), (posed + thick).max((0, 1))]),
        consent=consent, metrics=metrics, provenance=provenance,
    )  # fmt: skip
