"""What a Draco header claims is what its library unpacks."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.templates.gltf.reading.draco_header import draco_size

SIDE = 20


@pytest.fixture
def codec():
    return pytest.importorskip("DracoPy", reason="DracoPy is not installed (extra `train`)")


def grid():
    """A flat sheet: (400, 3) vertices and (722, 3) triangles."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    points = np.stack([x, y, 0 * x], -1).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).ravel()
    halves = [(0, 1, SIDE), (1, SIDE + 1, SIDE)]
    triangles = np.concatenate([np.stack([corner + k for k in half], 1) for half in halves])
    return points, triangles.astype(np.uint32)


def named(name, rest):
    return bytes([len(name)]) + name + rest


def element(entries=(), nested=()):
    """A metadata element as the specification lays it out."""
    parts = [bytes([len(entries)])]
    parts += [named(name, bytes([len(value)]) + value) for name, value in entries]
    parts += [bytes([len(nested)])]
    return b"".join(parts + [named(name, inner) for name, inner in nested])


def with_metadata(stream):
    """The same mesh, with metadata of one attribute and of the mesh, two deep."""
    deep = element(nested=[(b"inner", element([(b"key", b"value")]))])
    whole = element([(b"author", b"x" * 100)], [(b"a", deep), (b"b", element())])
    metadata = b"\1\0" + element([(b"name", b"position")]) + whole
    return stream[:9] + (0x8000).to_bytes(2, "little") + metadata + stream[11:]


@pytest.mark.parametrize("preserve_order", [True, False], ids=["sequential", "edgebreaker"])
@pytest.mark.parametrize("change", [bytes, with_metadata], ids=["plain", "metadata"])
def test_sizes_are_those_of_the_mesh(preserve_order, change, codec):
    points, triangles = grid()
    stream = change(codec.encode(points, triangles, preserve_order=preserve_order))
    mesh = codec.decode(stream)
    assert draco_size(stream, "mesh") == (len(mesh.points), len(mesh.faces)) == (400, 722)


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"DRACO", b"DRACO\2\2\1\1\0\0\0\xff", b"glTF" + bytes(40),
        b"DRACO\1\1\1\0" + bytes(20), b"DRACO\2\2\0\0" + bytes(20),
        b"DRACO\2\2\1\7" + bytes(20), b"DRACO\2\2\1\0\0\0" + b"\xff" * 20,
        b"DRACO\2\2\1\0\0\x80" + b"\xff\xff\xff\xff\x0f" + bytes(20),
    ],
)  # fmt: skip
def test_anything_else_is_refused(wrong):
    with pytest.raises(InputError, match=r"mesh: no Draco mesh of version 2\.2"):
        draco_size(wrong, "mesh")
