"""A mixer block, layer normalisation and all, against numpy."""

import numpy as np
import pytest
from exporters.tracker.small_sources import SourceBuilder, run

from mien.errors import InputError
from mien_exporters.tracker.points_net import PointsNet

RNG = np.random.default_rng(0)
TOKENS, FEATURES, HIDDEN = 7, 4, 10


def layer(source: SourceBuilder, tensor: int, matrix: np.ndarray, bias: np.ndarray, relu: int):
    kernel = matrix.astype(np.float16)[:, None, None, :]
    return source.convolution(tensor, kernel, bias.astype(np.float16), activation=relu)


def transpose(source: SourceBuilder, tensor: int) -> int:
    one, two, a, b = source.shapes[tensor]
    order = source.constant(np.array([0, 1, 3, 2], np.int32))
    return source.add("TRANSPOSE", [tensor, order], (one, two, b, a))


def norm(source: SourceBuilder, x: int, gain: np.ndarray, epsilon: float) -> int:
    """As TensorFlow spells it out."""
    shape = source.shapes[x]
    narrow = (*shape[:-1], 1)
    axis = source.constant(np.array([3], np.int32))
    mean = source.add("MEAN", [x, axis], narrow, KeepDims=1)
    negative = source.add("NEG", [mean], narrow)
    squared = source.add("SQUARED_DIFFERENCE", [x, mean], shape)
    variance = source.add("MEAN", [squared, axis], narrow, KeepDims=1)
    small = source.constant(np.array(epsilon, np.float32))
    shifted = source.add("ADD", [variance, small], narrow, FusedActivationFunction=0)
    root = source.add("RSQRT", [shifted], narrow)
    scale = source.add(
        "MUL", [root, source.constant(gain.astype(np.float16))], shape, FusedActivationFunction=0
    )
    one = source.add("MUL", [x, scale], shape, FusedActivationFunction=0)
    two = source.add("MUL", [negative, scale], shape, FusedActivationFunction=0)
    return source.add("ADD", [one, two], shape, FusedActivationFunction=0)


def half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(np.float64)


def test_a_mixer_block() -> None:
    source = SourceBuilder(1, TOKENS, FEATURES)
    gain = RNG.uniform(0.5, 2, FEATURES)
    w1, b1 = RNG.normal(size=(HIDDEN, TOKENS)), RNG.normal(size=HIDDEN)
    w2, b2 = RNG.normal(size=(TOKENS, HIDDEN)), RNG.normal(size=TOKENS)
    w3, b3 = RNG.normal(size=(HIDDEN, FEATURES)), RNG.normal(size=HIDDEN)
    x = source.add("RESHAPE", [0], (1, 1, TOKENS, FEATURES))
    y = transpose(source, norm(source, x, gain, 1e-3))
    y = transpose(source, layer(source, layer(source, y, w1, b1, 1), w2, b2, 0))
    y = source.add("ADD", [y, x], source.shapes[x], FusedActivationFunction=0)
    y = layer(source, y, w3, b3, 1)
    values = RNG.normal(size=(3, TOKENS, FEATURES))
    got, kinds = run(PointsNet, source.graph(y), (TOKENS, HIDDEN), values)
    assert "Transpose" not in kinds
    for one, result in zip(values, got, strict=True):
        centred = one - one.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-3) * half(gain)
        hidden = np.maximum(half(w1) @ scaled + half(b1)[:, None], 0)
        mixed = half(w2) @ hidden + half(b2)[:, None] + one
        np.testing.assert_allclose(result, np.maximum(mixed @ half(w3).T + half(b3), 0), atol=1e-4)


def test_reductions_slices_and_a_token_before_the_others() -> None:
    source = SourceBuilder(1, 1, TOKENS, FEATURES)
    token = RNG.normal(size=(1, 1, 1, FEATURES)).astype(np.float16)
    shape = (1, 1, TOKENS + 1, FEATURES)
    joined = source.add(
        "CONCATENATION", [source.constant(token), 0], shape, Axis=-2, FusedActivationFunction=0
    )
    total = source.add(
        "SUM", [joined, source.constant(np.array([-1], np.int32))], (*shape[:3], 1), KeepDims=1
    )
    root = source.add("SQRT", [total], (*shape[:3], 1))
    scaled = source.add("DIV", [joined, root], shape, FusedActivationFunction=0)
    begin, end, step = (
        source.constant(np.array(v, np.int32)) for v in ([0] * 4, [0, 0, 3, 0], [1] * 4)
    )
    part = source.add(
        "STRIDED_SLICE", [scaled, begin, end, step], (1, 1, 3, FEATURES), BeginMask=15,
        EndMask=11, EllipsisMask=0, NewAxisMask=0, ShrinkAxisMask=0,
    )  # fmt: skip
    values = RNG.uniform(1, 2, size=(2, 1, TOKENS, FEATURES))
    source.constants[joined - 1] = np.abs(token)
    got, _ = run(PointsNet, source.graph(part), (3, FEATURES), values)
    for one, result in zip(values, got, strict=True):
        rows = np.concatenate([half(np.abs(token))[0, 0], one[0]])
        np.testing.assert_allclose(
            result, (rows / np.sqrt(rows.sum(axis=1, keepdims=True)))[:3], atol=1e-5
        )


def test_what_has_no_conversion_is_named() -> None:
    source = SourceBuilder(1, TOKENS, FEATURES)
    made = source.add("GELU", [0], (1, TOKENS, FEATURES))
    with pytest.raises(InputError, match="GELU"):
        run(PointsNet, source.graph(made), (TOKENS, FEATURES), RNG.normal(size=(1, 7, 4)))
