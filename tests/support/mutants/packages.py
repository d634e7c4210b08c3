"""Packages damaged in their files, whose hashes are made right again, manifest and zip records."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from functools import cache
from typing import Any

from mien.package import package_bytes
from support.mutants.glbs import mutant_glb
from support.mutants.images import png
from support.mutants.json_text import damaged_json
from support.mutants.protobufs import damaged_protobuf
from support.packages import tiny_content
from support.rigs import sphere_rig

__all__ = ["mutant_package", "packed_entries", "unpacked_entries"]


@cache
def sound_content() -> tuple[Any, dict[str, bytes]]:
    manifest, files = tiny_content(sphere_rig(rows=4, columns=8))
    return manifest, files | {"preview.png": png(8, 8), "clips/a.npz": b"PK" * 50}


def mutant_package(rng: random.Random) -> bytes:
    manifest, files = sound_content()
    files = dict(files)
    action = rng.randrange(6)
    if action == 0:
        files["character.glb"] = mutant_glb(rng)
    elif action == 1:
        files["animator.onnx"] = damaged_protobuf(rng, files["animator.onnx"])
    data = package_bytes(manifest, files)
    if action == 2:
        return _with_manifest(rng, data)
    if action == 3 or rng.random() < 0.3:
        data = _repacked(data, zipfile.ZIP_DEFLATED)
    if action > 2 or rng.random() < 0.1:
        data = _damage_zip(rng, data)
    return data


def unpacked_entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed_entries(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def _repacked(data: bytes, method: int) -> bytes:
    return packed_entries(unpacked_entries(data), method)


def _with_manifest(rng: random.Random, data: bytes) -> bytes:
    files = unpacked_entries(data)
    text = damaged_json(rng, json.loads(files["manifest.json"]))
    if rng.random() < 0.05:
        text = '{"provenance":' + rng.choice(("[", '{"a":')) * rng.choice((100, 10**5))
    files["manifest.json"] = text.encode("utf-8", errors="surrogatepass")
    return packed_entries(files, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _damage_zip(rng: random.Random, data: bytes) -> bytes:
    raw = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        kind, fields = rng.choice(
            (
                (b"PK\1\2", ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2),
                             (38, 4), (42, 4))),
                (b"PK\3\4", ((6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))),
                (b"PK\5\6", ((4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))),
            )
        )  # fmt: skip
        places = [found.start() for found in re.finditer(re.escape(kind), raw)]
        if not places:
            continue
        at = rng.choice(places)
        offset, size = rng.choice(fields)
        if at + offset + size > len(raw) or rng.random() < 0.1:
            raw[at : at + 4] = rng.randbytes(4)
            continue
        old = int.from_bytes(raw[at + offset : at + offset + size], "little")
        new = rng.choice((0, 1, 8, 14, 2 ** (8 * size) - 1, old + 1, old * 2, old ^ 1, old * 1000,
                          len(raw), 50 << 20))  # fmt: skip
        raw[at + offset : at + offset + size] = (new % 2 ** (8 * size)).to_bytes(size, "little")
    if rng.random() < 0.1:
        del raw[rng.randrange(len(raw)) :]
    if rng.random() < 0.1:
        at = rng.randrange(len(raw) + 1)
        raw[at:at] = rng.randbytes(rng.randrange(30))
    return bytes(raw)
