"""avatar/features.onnx: an expression to the features of the anchors.

channels[batch,K], head_rotation[batch,4], displacements[batch,V,3] -> coarse[batch,N,W],
fine[batch,N,W]: what each anchor adds to the first layer of either field.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.avatar import Anchors
from mien.avatar.anchors import exact_shares
from mien.avatar.playback.avatar_tensors import volume_tensors
from mien.avatar_kinds import VolumeEntry
from mien_exporters.avatar.code_nodes import code_nodes, columns_for
from mien_exporters.avatar.volume.expression_graph import FIRST_LAYERS, expression_changes
from mien_exporters.avatar.volume.graph import Graph
from mien_exporters.avatar.volume.volume_run import VolumeRun

__all__ = ["features_onnx"]


def features_onnx(run: VolumeRun, entry: VolumeEntry) -> bytes:
    """The network for the entry's channels, in their order: those that it does not know count
    nothing, those that it lacks are taken to be 0. The same run gives the same bytes."""
    graph = Graph()
    graph.nodes, graph.tensors = code_nodes()
    weights = {n[8:]: a for n, a in run.weights.items() if n.startswith("network.")}
    if run.network in FIRST_LAYERS:
        name = f"{FIRST_LAYERS[run.network]}.weight"
        weights[name] = columns_for(weights[name], run.channel_names, entry.channels)
    moved = _displacement_map(graph, run.map_anchors)
    changes = expression_changes(graph, run.network, weights, moved, "codes")
    maps = graph.add("Add", changes, graph.tensor(run.weights["static"][None]))
    table = _sampled(graph, run, maps)
    for name in ("coarse", "fine"):
        matrix = graph.tensor(run.weights[f"{name}.of_features.weight"].T)
        bias = graph.tensor(run.weights[f"{name}.of_offset.bias"])
        graph.add("Add", graph.add("MatMul", table, matrix), bias, output=name)
    tensors = volume_tensors(entry)["features"]
    told = {"format": "mien.avatar 1", "channels": ",".join(entry.channels)}
    return graph.model("features", tensors[:3], tensors[3:], told)


def _displacement_map(graph: Graph, anchors: Anchors) -> str:
    """(B, 3, S, S) of the input (B, V, 3): 0 where there is no head."""
    given = "displacements"
    if len(anchors.extra_corners):
        count, each = anchors.extra_corners.shape
        followed = graph.add("Gather", given, graph.tensor(anchors.extra_corners.ravel()), axis=1)
        shares = graph.tensor(exact_shares(anchors.extra_weights).reshape(-1, 1))
        parts = graph.reshape(graph.add("Mul", followed, shares), (0, count, each, 3))
        extra = graph.add("ReduceSum", parts, graph.tensor(np.array([2])), keepdims=0)
        given = graph.add("Concat", given, extra, axis=1)
    corners: NDArray[np.int64] = np.zeros((anchors.size**2, 3), np.int64)
    shares_of: NDArray[np.float64] = np.zeros((anchors.size**2, 3, 1))
    corners[anchors.texel] = anchors.corners
    shares_of[anchors.texel] = exact_shares(anchors.bary)[..., None]
    flat = graph.add("Transpose", _mixed(graph, given, corners, shares_of, 1), perm=[0, 2, 1])
    return graph.reshape(flat, (0, 3, anchors.size, anchors.size))


def _sampled(graph: Graph, run: VolumeRun, maps: str) -> str:
    """(B, N, F) of maps (B, F, S, S), between the texels, and copies above the skin."""
    size, side = run.map_anchors.size, run.anchors.size
    texel = run.anchors.texel
    at = (np.stack([texel % side, texel // side], 1) + 0.5) * size / side - 0.5
    low = np.floor(at).astype(np.int64)
    part = at - low
    corners: NDArray[np.int64] = np.zeros((len(texel), 4), np.int64)
    shares: NDArray[np.float64] = np.zeros((len(texel), 4))
    for k, (right, down) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        column, row = low[:, 0] + right, low[:, 1] + down
        share = np.abs(1 - right - part[:, 0]) * np.abs(1 - down - part[:, 1])
        inside = (0 <= column) & (column < size) & (0 <= row) & (row < size)
        corners[:, k] = np.where(inside, row * size + column, 0)
        shares[:, k] = np.where(inside, share, 0)
    used = [k for k in range(4) if shares[:, k].any()]
    flat = graph.reshape(maps, (0, len(run.weights["static"]), size**2))
    found = _mixed(graph, flat, corners[:, used], shares[:, used], 2)
    table = graph.add("Transpose", found, perm=[0, 2, 1])
    if len(run.chosen):
        of = np.tile(run.chosen, len(run.offsets_m))
        raised = graph.add("Gather", table, graph.tensor(of), axis=1)
        own = graph.tensor(run.weights["own"])
        table = graph.add("Concat", table, graph.add("Add", raised, own), axis=1)
    return table


def _mixed(
    graph: Graph, values: str, rows: NDArray[np.int64], shares: NDArray[np.float64], axis: int
) -> str:
    """Sums of rows (R, k) of `values` along an axis, by shares (R, k) or (R, k, 1)."""
    parts = [
        graph.add(
            "Mul", graph.add("Gather", values, graph.tensor(rows[:, k]), axis=axis),
            graph.tensor(shares[:, k]),
        )
        for k in range(rows.shape[1])
    ]  # fmt: skip
    total = parts[0]
    for part in parts[1:]:
        total = graph.add("Add", total, part)
    return total
