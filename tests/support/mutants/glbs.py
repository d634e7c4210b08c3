"""GLBs damaged in their JSON, numbers, images and chunk lengths."""

from __future__ import annotations

import json
import random
import struct
from functools import cache
from typing import Any

import numpy as np

from mien.clip import Clip
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_buffers import glb_bytes
from support.mutants.images import damaged_png
from support.mutants.json_text import damaged_json
from support.rigs import sphere_rig

__all__ = ["mutant_glb"]


@cache
def sound_glb() -> bytes:
    values = np.array([[0], [1], [0.5], [0]], np.float32)
    return rig_to_glb(
        sphere_rig(rows=4, columns=8), {"take": Clip(("jawOpen",), np.arange(4) / 30, values)}
    )


def mutant_glb(rng: random.Random) -> bytes:
    glb = sound_glb()
    size = struct.unpack_from("<I", glb, 12)[0]
    document, binary = json.loads(glb[20 : 20 + size]), bytearray(glb[28 + size :])
    actions = rng.choices(
        ("numbers", "image", "zeros", "json", "json", "json"), k=rng.randint(1, 2)
    )
    if "zeros" in actions:
        _without_base(rng, document)
    if "image" in actions:
        _replace_image(rng, document, binary)
    if "numbers" in actions:
        _damage_numbers(rng, binary)
    text = damaged_json(rng, document) if "json" in actions else json.dumps(document)
    data = glb_bytes(text, bytes(binary))
    if rng.random() < 0.15:
        data = _damage_chunks(rng, data)
    return data


def _damage_numbers(rng: random.Random, binary: bytearray) -> None:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(binary) // 4) * 4
        values = (float("nan"), float("inf"), 1e-42, 3e38, -0.0, -1.0)
        if rng.random() < 0.5:
            struct.pack_into("<f", binary, at, rng.choice(values))
        else:
            struct.pack_into("<I", binary, at, rng.choice((0, 1, 65535, 2**31, 2**32 - 1)))


def _without_base(rng: random.Random, document: Any) -> None:
    """Accessors of zeros, of any length, in place of stored ones: they cost their file nothing."""
    count = rng.choice((45, 10**5, 10**6, 3 * 10**6, 2**31 - 1))
    for accessor in document["accessors"]:
        if rng.random() < 0.9 and accessor["type"] != "MAT4":
            accessor.pop("bufferView", None)
            accessor["sparse"] = {"count": 1, "indices": {"bufferView": 0, "componentType": 5125},
                                  "values": {"bufferView": 0}}  # fmt: skip
            accessor["count"] = count
    if rng.random() < 0.5:
        document["bufferViews"][0]["byteOffset"] = 4 * rng.randrange(400)
    for primitive in document["meshes"][0]["primitives"]:
        primitive["targets"] = primitive["targets"] * rng.choice((1, 5, 85))
    names = [f"s{i}" for i in range(len(document["meshes"][0]["primitives"][0]["targets"]))]
    document["meshes"][0]["extras"]["targetNames"] = names


def _replace_image(rng: random.Random, document: Any, binary: bytearray) -> None:
    data = damaged_png(rng)
    view = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)}
    document["bufferViews"].append(view)
    document["images"][0]["bufferView"] = len(document["bufferViews"]) - 1
    binary += data + bytes(-len(data) % 4)
    document["buffers"][0]["byteLength"] = len(binary)
    if rng.random() < 0.3:
        document["materials"] = document["materials"] * rng.choice((2, 20, 200))


def _damage_chunks(rng: random.Random, data: bytes) -> bytes:
    raw = bytearray(data)
    action = rng.randrange(4)
    if action == 0:
        struct.pack_into("<I", raw, rng.choice((4, 8, 12)), rng.choice((0, 1, 2, 2**31, 2**32 - 1)))
    elif action == 1:
        raw += struct.pack("<I4s", 0, rng.choice((b"BIN\0", b"JSON", b"XXXX"))) * rng.choice((1, 9))
        struct.pack_into("<I", raw, 8, len(raw))
    elif action == 2:
        del raw[rng.randrange(len(raw)) :]
        if len(raw) > 12 and rng.random() < 0.7:
            struct.pack_into("<I", raw, 8, len(raw))
    else:
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw)
