"""Packages with skin detail, damaged in its images, its networks or its entry in the manifest."""

from __future__ import annotations

import json
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from mien.package import package_bytes, read_package
from support.mutants.images import damaged_image
from support.mutants.json_text import damaged_json
from support.mutants.packages import packed_entries, unpacked_entries
from support.mutants.protobufs import damaged_protobuf
from support.wrinkles import wrinkled_package

__all__ = ["mutant_detail"]


@cache
def sound_content() -> tuple[Any, dict[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        package = read_package(wrinkled_package(Path(folder) / "sphere.mien"))
        return package.manifest, {n: package.read_bytes(n) for n in package.manifest.files}


def mutant_detail(rng: random.Random) -> bytes:
    manifest, files = sound_content()
    files = dict(files)
    action = rng.randrange(3)
    if action == 0:
        name = rng.choice([n for n in files if n.startswith("detail/")])
        files[name] = damaged_image(rng, files[name])
    elif action == 1:
        files["detail.onnx"] = damaged_protobuf(rng, files["detail.onnx"])
    data = package_bytes(manifest, files)
    if action < 2:
        return data
    entries = unpacked_entries(data)
    document = json.loads(entries["manifest.json"])
    detail = damaged_json(rng, document.pop("detail"))
    text = json.dumps(document)[:-1] + ', "detail": ' + detail + "}"
    entries["manifest.json"] = text.encode("utf-8", errors="surrogatepass")
    return packed_entries(entries)
