"""What every avatar's network is told, in ONNX: channels, and how the head is turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

__all__ = ["code_nodes", "columns_for", "node"]

_PAIRS = ((0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Products of a quaternion's components that a rotation matrix is made of."""


def code_nodes() -> tuple[list[onnx.NodeProto], dict[str, NDArray[Any]]]:
    """Nodes and weights: channels[batch,K], head_rotation[batch,4] -> codes[batch,K+6].

    head_rotation: a quaternion xyzw of any length above 0; the last six codes are the first two
    columns of its matrix, row by row.
    """
    left, right = (np.array(column, np.int64) for column in zip(*_PAIRS, strict=True))
    tensors: dict[str, NDArray[Any]] = {
        "left": left, "right": right, "view_of_products": _view_of_products(),
        "length_of_products": _length_of_products(),
    }  # fmt: skip
    nodes = [
        node("Gather", ["head_rotation", "left"], "left_parts", axis=1),
        node("Gather", ["head_rotation", "right"], "right_parts", axis=1),
        node("Mul", ["left_parts", "right_parts"], "products"),
        node("MatMul", ["products", "view_of_products"], "scaled_view"),
        node("MatMul", ["products", "length_of_products"], "square_length"),
        node("Div", ["scaled_view", "square_length"], "view_codes"),
        node("Concat", ["channels", "view_codes"], "codes", axis=1),
    ]
    return nodes, tensors


def columns_for(
    matrix: NDArray[np.float32], known: Sequence[str], channels: Sequence[str]
) -> NDArray[np.float32]:
    """(out, K + 6) of a layer (out, L + 6) over L known channels and the view: its columns in the
    order of `channels`, 0 for those that it does not know."""
    index = {name: k for k, name in enumerate(known)}
    found = np.zeros((len(matrix), len(channels) + 6), np.float32)
    found[:, len(channels) :] = matrix[:, len(known) :]
    for column, name in enumerate(channels):
        if name in index:
            found[:, column] = matrix[:, index[name]]
    return found


def node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    """A node that is named by what it is and gives."""
    return helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes)


def _view_of_products() -> NDArray[np.float32]:
    """(10, 6) -> the matrix's first two columns, row by row, times the quaternion's length squared.

    With |q| = 1, 1 - 2 (y^2 + z^2) is x^2 - y^2 - z^2 + w^2: so no length has to be 1."""
    view = np.zeros((len(_PAIRS), 6), np.float32)
    row = {pair: k for k, pair in enumerate(_PAIRS)}
    x, y, z, w = range(4)
    view[[row[x, x], row[y, y], row[z, z], row[w, w]], 0] = 1, -1, -1, 1
    view[[row[x, y], row[z, w]], 1] = 2, -2
    view[[row[x, y], row[z, w]], 2] = 2, 2
    view[[row[x, x], row[y, y], row[z, z], row[w, w]], 3] = -1, 1, -1, 1
    view[[row[x, z], row[y, w]], 4] = 2, -2
    view[[row[y, z], row[x, w]], 5] = 2, 2
    return view


def _length_of_products() -> NDArray[np.float32]:
    return np.array([[float(a == b)] for a, b in _PAIRS], np.float32)
