"""Splats <-> PLY, laid out as Kerbl et al. 2023 write them and most viewers read them.

Per Gaussian: x y z, an unused normal, f_dc_0..2 (coefficient of degree 0), opacity (logit),
scale_0..2 (log), rot_0..3 (wxyz). PLY says nothing of axes: they stay mien's, metres and +Y up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar.splats import Splats
from mien.errors import InputError
from mien_exporters.avatar.splat_units import (
    colour_from_sh,
    logit,
    sh_from_colour,
    sigmoid,
    unit_rotations,
)

__all__ = ["splats_from_ply", "splats_to_ply"]

_FIELDS = (
    "x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
)  # fmt: skip
_TYPES = {
    "char": "<i1", "int8": "<i1", "uchar": "<u1", "uint8": "<u1", "short": "<i2", "int16": "<i2",
    "ushort": "<u2", "uint16": "<u2", "int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4",
    "float": "<f4", "float32": "<f4", "double": "<f8", "float64": "<f8",
}  # fmt: skip
_LONGEST_HEADER = 1 << 16
_LEAST_SCALE_M = 1e-9
"""Written for scales below it, of which a logarithm cannot speak."""


def splats_to_ply(splats: Splats) -> bytes:
    """The bytes of a binary PLY file. The same input gives the same bytes."""
    x, y, z, w = unit_rotations(splats).T
    table = np.column_stack(
        [
            splats.means, np.zeros_like(splats.means), sh_from_colour(splats.colours),
            logit(splats.opacities), np.log(np.maximum(splats.scales, _LEAST_SCALE_M)),
            w, x, y, z,
        ]
    )  # fmt: skip
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(splats)}"]
    header += [f"property float {name}" for name in _FIELDS] + ["end_header", ""]
    return "\n".join(header).encode() + np.ascontiguousarray(table, "<f4").tobytes()


def splats_from_ply(data: bytes, where: str = "PLY") -> Splats:
    """The splats of a binary PLY file that has the fields above, in any order, others ignored.

    `where` names the file in messages. Raises InputError for anything else.
    """
    end = data.find(b"end_header\n", 0, _LONGEST_HEADER)
    if not data.startswith(b"ply\n") or end < 0:
        raise InputError(f"{where}: not a PLY file (no header)")
    count, layout = _parsed(data[:end], where)
    body = memoryview(data)[end + len(b"end_header\n") :]
    if count * layout.itemsize > len(body):
        raise InputError(
            f"{where}: {count} vertices of {layout.itemsize} bytes are declared, "
            f"the file holds {len(body)} bytes"
        )
    rows = np.frombuffer(body, layout, count)

    def columns(*names: str) -> NDArray[Any]:
        return np.column_stack([rows[name].astype(np.float64) for name in names])

    with np.errstate(over="ignore", invalid="ignore"):  # refused by Splats, by name
        return Splats(
            means=columns("x", "y", "z"),
            rotations=columns("rot_1", "rot_2", "rot_3", "rot_0"),
            scales=np.exp(columns("scale_0", "scale_1", "scale_2")),
            opacities=sigmoid(rows["opacity"]),
            colours=colour_from_sh(columns("f_dc_0", "f_dc_1", "f_dc_2")),
        )


def _parsed(header: bytes, where: str) -> tuple[int, np.dtype[Any]]:
    """(number of vertices, layout of one), the vertices being the first element."""
    fields: dict[str, str] = {}
    count, elements = -1, 0
    for line in header.decode("ascii", "replace").split("\n")[1:]:
        words = line.split()
        if not words or words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "format" and words[1:] == ["binary_little_endian", "1.0"]:
            continue
        if words[0] == "element" and len(words) == 3 and words[2].isascii() and words[2].isdigit():
            elements += 1
            if elements == 1 and words[1] == "vertex" and len(words[2]) < 10:
                count = int(words[2])
                continue
            if elements > 1 and count >= 0:
                continue
        if words[0] == "property" and elements > 1:
            continue
        if words[0] == "property" and len(words) == 3 and elements == 1:
            if words[1] in _TYPES and words[2] not in fields:
                fields[words[2]] = _TYPES[words[1]]
                continue
        raise InputError(f"{where}: header line {line[:80]!r}, expected one of splats' in binary")
    missing = [n for n in _FIELDS if n not in fields and n not in ("nx", "ny", "nz")]
    if count < 0 or missing:
        raise InputError(f"{where}: the header lacks {', '.join(missing) or 'element vertex'}")
    return count, np.dtype(list(fields.items()))
