"""A character's GLB with its face atlas as a second set of texture coordinates.

Plain viewers show the static relief, as a normal map on that set; engines find in the material's
`extras.mienDetail` how to add the wrinkles.
"""

from __future__ import annotations

from collections.abc import Sequence

import pygltflib as gltf

from mien.detail_entry import DetailEntry
from mien.errors import InputError
from mien_exporters.detail.detail_run import DetailRun
from mien_exporters.gltf import glb_of
from mien_exporters.gltf_buffers import BufferBuilder, split_glb

__all__ = ["with_detail"]

_SKIN = "skin"


def with_detail(
    glb: bytes, run: DetailRun, entry: DetailEntry, channels: Sequence[str], static_normal: bytes
) -> bytes:
    """`glb`, which `mien_exporters.gltf.rig_to_glb` made, with TEXCOORD_1 and the static normal map
    (a PNG) on the material `skin`; channels: inputs of detail.onnx, in order. Raises InputError for
    the detail of another mesh, and for a GLB without skin.
    """
    text, binary = split_glb(glb)
    document = gltf.GLTF2.from_json(text)
    buffers = BufferBuilder(document, binary)
    (mesh,) = document.meshes
    count = document.accessors[mesh.primitives[0].attributes.POSITION].count
    if count != len(run.places):
        raise InputError(
            f"detail of {run.name!r}: is of a mesh of {len(run.places)} vertices, the character "
            f"has {count}; train the detail on the rig that the character was made from"
        )
    places = buffers.vertices(run.places)
    for primitive in mesh.primitives:
        primitive.attributes.TEXCOORD_1 = places
    skins = [m for m in document.materials if m.name == _SKIN]
    if not skins:
        raise InputError(
            f"detail of {run.name!r}: the character's materials are "
            f"{', '.join(m.name for m in document.materials)}, expected one named {_SKIN!r}"
        )
    document.images.append(
        gltf.Image(name="skin detail", mimeType="image/png", bufferView=buffers.view(static_normal))
    )
    document.samplers.append(gltf.Sampler(magFilter=9729, minFilter=9987, wrapS=33071, wrapT=33071))
    document.textures.append(
        gltf.Texture(sampler=len(document.samplers) - 1, source=len(document.images) - 1)
    )
    (skin,) = skins
    skin.normalTexture = gltf.NormalMaterialTexture(
        index=len(document.textures) - 1, texCoord=entry.texcoord, scale=entry.intensity
    )
    told = {"version": 1, "channels": list(channels), **entry.to_dict()}
    skin.extras = {**(skin.extras or {}), "mienDetail": told}
    return glb_of(document, buffers)
