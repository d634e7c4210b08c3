"""Channels-last operators as channels-first ONNX: each against its definition in numpy."""

import numpy as np
import pytest
from exporters.tracker.small_sources import (
    SAME,
    VALID,
    SourceBuilder,
    convolve,
    prelu,
    run,
)

from mien.errors import InputError
from mien_exporters.tracker.image_net import ImageNet

RNG = np.random.default_rng(0)


def weights(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float16)


def images(*shape: int) -> np.ndarray:
    """A batch of two."""
    return RNG.normal(size=(2, *shape)).astype(np.float32)


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("depthwise", [False, True])
def test_convolutions(padding: int, stride: int, kernel: int, depthwise: bool) -> None:
    source = SourceBuilder(1, 8, 9, 3)
    kernels, bias = (
        weights(1 if depthwise else 5, kernel, kernel, 3),
        weights(3 if depthwise else 5),
    )
    made = source.convolution(0, kernels, bias, stride, padding, depthwise)
    x = images(8, 9, 3)
    y, _ = run(ImageNet, source.graph(made), source.shapes[made][1:], x)
    for image, got in zip(x, y, strict=True):
        expected = convolve(image, kernels, bias, stride, padding, depthwise)
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_fused_relu() -> None:
    source = SourceBuilder(1, 4, 4, 3)
    kernels, bias = weights(6, 1, 1, 3), weights(6)
    made = source.convolution(0, kernels, bias, activation=1)
    x = images(4, 4, 3)
    y, _ = run(ImageNet, source.graph(made), (4, 4, 6), x)
    np.testing.assert_allclose(y[1], np.maximum(convolve(x[1], kernels, bias), 0), atol=1e-4)


@pytest.mark.parametrize("channels", [5, 16, 20])
def test_prelu_of_any_slope(channels: int) -> None:
    source = SourceBuilder(1, 4, 4, 3)
    kernels, bias = weights(channels, 1, 1, 3), weights(channels)
    slopes = np.linspace(-5, 20, channels).astype(np.float16)
    made = source.convolution(0, kernels, bias)
    bent = source.add(
        "PRELU", [made, source.constant(slopes.reshape(1, 1, -1))], source.shapes[made]
    )
    x = images(4, 4, 3)
    y, kinds = run(ImageNet, source.graph(bent), (4, 4, channels), x)
    assert "PRelu" not in kinds
    expected = prelu(convolve(x[0], kernels, bias), slopes)
    np.testing.assert_allclose(y[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("narrow", [4, 8, 24])
def test_a_narrow_bottleneck_is_split(narrow: int) -> None:
    source = SourceBuilder(1, 6, 6, 16)
    squeeze, spread = weights(narrow, 1, 1, 16), weights(16, 1, 1, narrow)
    smooth, slopes = weights(1, 3, 3, narrow), np.linspace(-2, 3, narrow).astype(np.float16)
    biases = weights(narrow), weights(narrow), weights(16)
    first = source.convolution(0, squeeze, biases[0])
    bent = source.add(
        "PRELU", [first, source.constant(slopes.reshape(1, 1, -1))], source.shapes[first]
    )
    second = source.convolution(bent, smooth, biases[1], depthwise=True)
    third = source.convolution(second, spread, biases[2])
    total = source.add("ADD", [0, third], source.shapes[0], FusedActivationFunction=0)
    x = images(6, 6, 16)
    y, kinds = run(ImageNet, source.graph(total), (6, 6, 16), x)
    inner = prelu(convolve(x[1], squeeze, biases[0]), slopes)
    inner = convolve(convolve(inner, smooth, biases[1], depthwise=True), spread, biases[2])
    np.testing.assert_allclose(y[1], x[1] + inner, atol=2e-3)
    assert kinds.count("Conv") == (3 if narrow <= 8 else 5)


def test_new_channels_are_zero_and_never_seen() -> None:
    # 12 channels are widened to 16, padded to 20 (32 inside), pooled, and read back as 20.
    source = SourceBuilder(1, 4, 4, 3)
    kernels, bias = weights(12, 1, 1, 3), weights(12)
    made = source.convolution(0, kernels, bias)
    padded = source.add(
        "PAD",
        [made, source.constant(np.array([[0, 0], [0, 0], [0, 0], [0, 8]], np.int32))],
        (1, 4, 4, 20),
    )
    pooled = source.add(
        "MAX_POOL_2D", [padded], (1, 2, 2, 20), Padding=SAME, StrideH=2, StrideW=2,
        FilterHeight=2, FilterWidth=2, FusedActivationFunction=0,
    )  # fmt: skip
    out_kernels, out_bias = weights(4, 1, 1, 20), weights(4)
    last = source.convolution(pooled, out_kernels, out_bias)
    x = images(4, 4, 3)
    y, kinds = run(ImageNet, source.graph(last), (2, 2, 4), x)
    inner = np.zeros((4, 4, 20))
    inner[..., :12] = convolve(x[0], kernels, bias)
    inner = inner.reshape(2, 2, 2, 2, 20).max(axis=(1, 3))
    np.testing.assert_allclose(y[0], convolve(inner, out_kernels, out_bias), atol=1e-3)
    assert "Pad" not in kinds


def test_reshape_and_concatenation_keep_the_sources_order() -> None:
    source = SourceBuilder(1, 4, 4, 3)
    parts, expected = [], []
    x = images(4, 4, 3)
    for channels in (2, 4):
        kernels, bias = weights(channels, 1, 1, 3), weights(channels)
        made = source.convolution(0, kernels, bias)
        parts.append(source.add("RESHAPE", [made], (1, 8 * channels, 2)))
        expected.append(convolve(x[1], kernels, bias).reshape(-1, 2))
    joined = source.add("CONCATENATION", parts, (1, 48, 2), Axis=1, FusedActivationFunction=0)
    y, _ = run(ImageNet, source.graph(joined), (48, 2), x)
    np.testing.assert_allclose(y[1], np.concatenate(expected), atol=1e-4)


def test_what_has_no_conversion_is_named() -> None:
    source = SourceBuilder(1, 4, 4, 3)
    made = source.add("HARD_SWISH", [0], (1, 4, 4, 3))
    with pytest.raises(InputError, match="HARD_SWISH"):
        run(ImageNet, source.graph(made), (4, 4, 3), images(4, 4, 3))
