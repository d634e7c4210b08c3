"""Structure-aware damage: seeded mutants of a package, a GLB, a resume token, and what reads them.

Every mutant follows from (kind, seed). Damage happens inside the structures: JSON fields, chunk
lengths, zip records, protobuf fields, PNG chunks; hashes and checksums are corrected afterwards, so
that it reaches what lies behind them.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
import zlib
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from mien.clip import Clip
from mien.errors import MienError
from mien.glb import read_rig, read_weights_animation
from mien.package import package_bytes, read_package, verify_package
from mien.service.resume_token import pack_token, unpack_token
from mien.session import Session, SessionOptions
from mien.tracker.features import FeatureLayout
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_buffers import glb_bytes
from support.packages import tiny_content
from support.rigs import sphere_rig
from support.small_animator import SmallAnimator

__all__ = ["KINDS", "mutant", "read_mutant"]

KINDS = ("glb", "package", "token")
SHA256 = "ab" * 32
LAYOUT, CHANNELS = FeatureLayout(("scores",)), ("jawOpen", "mouthClose")

NUMBERS = (
    -1, 0, 1, 2, 3, 4, 5, 7, 255, 256, 5120, 5121, 5123, 5125, 5126, 65535, 65536, 10**6, 10**7,
    2**31 - 1, 2**31, 2**32, 2**53, 2**63, -(2**63), 10**40, 10**400, 0.5, -0.0, 1e308, 5e-324,
)  # fmt: skip
VALUES = (*NUMBERS, None, True, False, "", "x", "é\0", "x" * 2000, [], {}, [0] * 50, [[]], "2.0")
TOKENS = ("NaN", "-Infinity", "1e999", "01", "1" + "0" * 5000, "tru", "'a'", '"\\ud800"')


@cache
def sound_glb() -> bytes:
    values = np.array([[0], [1], [0.5], [0]], np.float32)
    return rig_to_glb(
        sphere_rig(rows=4, columns=8), {"take": Clip(("jawOpen",), np.arange(4) / 30, values)}
    )


@cache
def sound_content() -> tuple[Any, dict[str, bytes]]:
    manifest, files = tiny_content(sphere_rig(rows=4, columns=8))
    return manifest, files | {"preview.png": png(8, 8), "clips/a.npz": b"PK" * 50}


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (90, 60, 50)).save(buffer, "PNG")
    return buffer.getvalue()


def new_session() -> Session:
    animator: Any = SmallAnimator(LAYOUT.size + 1, len(CHANNELS), 5)
    return Session(animator, LAYOUT, CHANNELS, SessionOptions(calibration_frames=3))


@cache
def sound_states() -> tuple[bytes, ...]:
    session, rng, states = new_session(), np.random.default_rng(0), []
    for i in range(6):
        states.append(session.snapshot())
        session.step(rng.random(LAYOUT.size, np.float32), i / 30)
    return tuple(states)


def mutant(kind: str, seed: int) -> bytes:
    """The mutant of that kind and seed."""
    rng = random.Random(f"{kind} {seed}")
    return {"glb": _glb, "package": _package, "token": _token}[kind](rng)


def read_mutant(kind: str, data: bytes) -> bool:
    """Read it with everything that reads such input; whether all of it was accepted.

    Any exception that is not a MienError gets through: that is the fault being looked for.
    """
    if kind == "package":
        report = verify_package(data)
        return _tries(lambda: _use_package(data)) and report.ok
    if kind == "token":
        return _tries(lambda: _use_token(data))
    accepted = [_tries(lambda: read_rig(data)), _tries(lambda: read_weights_animation(data))]
    return all(accepted)


def _tries(read: Any) -> bool:
    try:
        read()
    except MienError as error:
        assert len(str(error)) < 10_000, "a message of that length is no message"
        return False
    return True


def _use_package(data: bytes) -> None:
    package = read_package(data)
    package.rig()
    for name in package.manifest.files:
        package.read_bytes(name)


def _use_token(data: bytes) -> None:
    for state in unpack_token(data, SHA256).values():
        session = new_session()
        session.restore(state)
        session.step(np.zeros(LAYOUT.size, np.float32), 10.0)


# JSON


def _json(rng: random.Random, document: Any, count: int = 3) -> str:
    """`document` with up to `count` places damaged, as text."""
    document = json.loads(json.dumps(document))
    for _ in range(rng.randint(1, count)):
        _damage_json(rng, document)
    text = json.dumps(document)
    if rng.random() < 0.1:  # what json.dumps cannot write
        at = rng.randrange(len(text))
        parts = text[at:].split(":", 1)
        if len(parts) == 2:
            text = text[:at] + parts[0] + ":" + rng.choice(TOKENS) + "," + parts[1]
    return text


def _damage_json(rng: random.Random, document: Any) -> None:
    place: Any = document
    while True:
        if not place:
            return
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        inner = place[key]
        if not isinstance(inner, (dict, list)) or rng.random() < 0.15:
            break
        place = inner
    action = rng.randrange(8)
    if action < 4:
        number = isinstance(inner, (int, float)) and rng.random() < 0.7
        place[key] = rng.choice(NUMBERS if number else VALUES)
    elif action == 4 and isinstance(inner, int):
        place[key] = inner + rng.choice((-4, -1, 1, 4, 100))
    elif action == 5:
        place.pop(key)
    elif isinstance(place, dict):
        place[rng.choice(("sparse", "byteStride", "uri", "count", "x", *place))] = inner
    else:
        times = rng.choice((1, 2, 250, 3000))
        # The mutant stays small: what it takes to make it would count as the reader's memory.
        place.extend([inner] * min(times, 200_000 // len(json.dumps(inner)) + 1))


# GLB


def _glb(rng: random.Random) -> bytes:
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
    text = _json(rng, document) if "json" in actions else json.dumps(document)
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
    data = _png(rng)
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


def _png(rng: random.Random) -> bytes:
    side = rng.choice((1, 8, 300, 1500))
    raw = png(side, rng.choice((1, 8, 300)))
    chunks: list[tuple[bytes, bytes]] = []
    at = 8
    while at < len(raw):
        (size,) = struct.unpack_from(">I", raw, at)
        chunks.append((raw[at + 4 : at + 8], raw[at + 8 : at + 8 + size]))
        at += 12 + size
    action = rng.randrange(6)
    if action == 0:
        width, height = (rng.choice((0, 1, 2000, 9000, 30000, 2**31 - 1)) for _ in range(2))
        tail = bytes(rng.choice(((8, 2, 0, 0, 0), (16, 6, 0, 0, 1), (1, 3, 0, 0, 0), (9,) * 5)))
        chunks[0] = (b"IHDR", struct.pack(">II", width, height) + tail)
    elif action == 1:
        kind, body = chunks[1]
        chunks[1] = (kind, body[: rng.randrange(len(body))])
    elif action == 2:
        bomb = b"k\0\0" + zlib.compress(bytes(1 << 20))
        chunks[1:1] = [(rng.choice((b"zTXt", b"iCCP")), bomb)] * 60
    elif action == 3:
        chunks.pop(rng.randrange(len(chunks)))
    elif action == 4:
        chunks.insert(rng.randrange(len(chunks)), (rng.choice((b"tRNS", b"PLTE", b"acTL", b"fdAT")),
                                                   rng.randbytes(rng.randrange(20))))  # fmt: skip
    data = raw[:8]
    for kind, body in chunks:
        crc = zlib.crc32(kind + body) ^ (rng.random() < 0.05)
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)
    return data


# Packages


def _package(rng: random.Random) -> bytes:
    manifest, files = sound_content()
    files = dict(files)
    action = rng.randrange(6)
    if action == 0:
        files["character.glb"] = _glb(rng)
    elif action == 1:
        files["animator.onnx"] = _protobuf(rng, files["animator.onnx"])
    data = package_bytes(manifest, files)
    if action == 2:
        return _with_manifest(rng, data)
    if action == 3 or rng.random() < 0.3:
        data = _repacked(data, zipfile.ZIP_DEFLATED)
    if action > 2 or rng.random() < 0.1:
        data = _damage_zip(rng, data)
    return data


def _entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(files: dict[str, bytes], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def _repacked(data: bytes, method: int) -> bytes:
    return _packed(_entries(data), method)


def _with_manifest(rng: random.Random, data: bytes) -> bytes:
    files = _entries(data)
    text = _json(rng, json.loads(files["manifest.json"]))
    if rng.random() < 0.05:
        text = '{"provenance":' + rng.choice(("[", '{"a":')) * rng.choice((100, 10**5))
    files["manifest.json"] = text.encode("utf-8", errors="surrogatepass")
    return _packed(files, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


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


def _protobuf(rng: random.Random, data: bytes, depth: int = 0) -> bytes:
    """One field somewhere in the tree of messages removed, repeated, or given another value."""
    fields: list[tuple[int, int, bytes]] = []
    at = 0
    try:
        while at < len(data):
            key, at = _varint(data, at)
            start = at
            if key & 7 == 0:
                _, at = _varint(data, at)
            elif key & 7 == 2:
                size, start = _varint(data, at)
                at = start + size
            else:
                at += {1: 8, 5: 4}[key & 7]
            if at > len(data):
                raise IndexError
            fields.append((key >> 3, key & 7, data[start:at]))
    except (IndexError, KeyError):  # not a message, so it is a string or numbers
        fields = []
    if not fields:
        return _bytes(rng, data)
    index = rng.randrange(len(fields))
    number, wire, value = fields[index]
    action = rng.random()
    if wire == 2 and depth < 8 and action < 0.7:
        fields[index] = number, wire, _protobuf(rng, value, depth + 1)
    elif action < 0.8:
        fields.pop(index)
    elif action < 0.87:
        fields += [fields[index]] * rng.choice((1, 3, 100))
    elif action < 0.94:
        new = rng.choice((0, 1, 2, 16, 300, 2**31, 2**40, 2**63, 2**64 - 1))
        fields.insert(index, (rng.choice((number, 1, 2, 13, 14, 15)), 0, _as_varint(new)))
    else:
        fields[index] = rng.choice((1, 5, 7, 13, 14, 20, 25)), wire, value
    return b"".join(
        _as_varint(number << 3 | wire) + (_as_varint(len(value)) if wire == 2 else b"") + value
        for number, wire, value in fields
    )


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _as_varint(value: int) -> bytes:
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])


def _bytes(rng: random.Random, data: bytes) -> bytes:
    raw = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        action = rng.randrange(3)
        if action == 0 and raw:
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        elif action == 1:
            del raw[rng.randrange(len(raw) + 1) :]
        else:
            raw += rng.randbytes(rng.randrange(1, 9))
    return bytes(raw)


# Resume tokens: two layers, each with a checksum that is made right again


def _token(rng: random.Random) -> bytes:
    names = rng.sample(["a", "b", "", "é", "x" * 300], rng.randint(1, 3))
    states = {name: rng.choice(sound_states()) for name in names}
    if rng.random() < 0.8:
        name = rng.choice(names)
        states[name] = _state(rng, states[name])
    token = bytearray(pack_token(SHA256, states))
    if rng.random() < 0.4:
        for _ in range(rng.randint(1, 4)):
            at = rng.choice((rng.randrange(len(token)), rng.randrange(min(60, len(token)))))
            token[at] = rng.choice((0, 1, 0x7F, 0xFF, token[at] ^ 1 << rng.randrange(8)))
        if rng.random() < 0.2:
            del token[rng.randrange(len(token)) :]
        if rng.random() < 0.9 and len(token) > 4:
            token[-4:] = struct.pack("<I", zlib.crc32(token[:-4]))
    return bytes(token)


_STATE_HEAD, _STATE_CRC = 28, 24


def _state(rng: random.Random, state: bytes) -> bytes:
    head, body = bytearray(state[:_STATE_HEAD]), bytearray(state[_STATE_HEAD:])
    for _ in range(rng.randint(1, 3)):
        at = rng.choice((rng.randrange(0, 24, 8), 24 + 4 * rng.randrange(4),
                         4 * rng.randrange(len(body) // 4 + 1)))  # fmt: skip
        action = rng.randrange(5)
        if action == 0 and at + 8 <= len(body):
            values = (float("nan"), float("inf"), -1.0, 1e300, 5.0, 1e12)
            struct.pack_into("<d", body, at, rng.choice(values))
        elif action == 1 and at + 4 <= len(body):
            struct.pack_into("<f", body, at, rng.choice((float("nan"), 3e38, -1e6, 0.0, 1e-42)))
        elif action == 2 and at + 4 <= len(body):
            struct.pack_into("<I", body, at, rng.choice((0, 1, 2, 3, 100, 10**5, 2**31, 2**32 - 1)))
        elif action == 3 and body:
            body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        elif rng.random() < 0.5:
            body += bytes(4 * rng.choice((1, 2, 52, 1000)))
        else:
            del body[-4 * rng.randint(1, 60) :]
    if rng.random() < 0.05:
        head[rng.randrange(len(head))] ^= 1
    head[_STATE_CRC:] = struct.pack("<I", zlib.crc32(body))
    return bytes(head + body)
