"""The graphs give what the formulas say, by two runtimes, for any batch, with 0 at rest."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator
from support.wrinkles import REGIONS, SIDE, sphere_detail

from mien.detail import DetailMaps
from mien_exporters.detail.detail_files import normal_image
from mien_exporters.detail.detail_graphs import detail_map_onnx, detail_onnx

RUN = sphere_detail()


def both(model: bytes, feed: dict[str, np.ndarray]):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    ours = session.run(None, feed)
    theirs = ReferenceEvaluator(onnx.load_from_string(model)).run(None, feed)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)
    return ours


def expected(channels):
    x = channels
    for layer in RUN.layers[:-1]:
        x = np.maximum(x @ layer.T, 0)
    return (x @ RUN.layers[-1].T).clip(-1, 1)


@pytest.mark.parametrize("batch", [1, 2, 17])
def test_weights_of_channels(batch):
    x = np.random.default_rng(batch).random((batch, 3)).astype(np.float32)
    (found,) = both(detail_onnx(RUN, RUN.channel_names), {"channels": x})
    np.testing.assert_allclose(found, expected(x), atol=1e-6)
    assert np.abs(found).max() > 0.1


def test_rest_gives_exactly_nothing():
    (found,) = both(detail_onnx(RUN, RUN.channel_names), {"channels": np.zeros((1, 3), np.float32)})
    assert not found.any()


def test_channels_are_bound_by_name():
    x = np.random.default_rng(0).random((4, 3)).astype(np.float32)
    names = ("unknown", *RUN.channel_names[::-1])
    swapped = np.concatenate([np.ones((4, 1), np.float32), x[:, ::-1]], 1)
    (found,) = both(detail_onnx(RUN, names), {"channels": swapped})
    np.testing.assert_allclose(found, expected(x), atol=1e-6)
    (lacking,) = both(detail_onnx(RUN, RUN.channel_names[:2]), {"channels": x[:, :2]})
    np.testing.assert_allclose(lacking, expected(x * [1, 1, 0]), atol=1e-6)


@pytest.mark.parametrize("size", [SIDE, SIDE // 2, 2 * SIDE])
def test_maps_of_weights(size):
    weights = np.random.default_rng(size).uniform(-1, 1, (3, len(REGIONS))).astype(np.float32)
    weights[0] = 0
    displacement, normal = both(detail_map_onnx(RUN, size), {"weights": weights})
    assert displacement.shape == (3, 1, size, size) and normal.shape == (3, 3, size, size)
    np.testing.assert_allclose(np.linalg.norm(normal, axis=1), 1, atol=1e-5)
    if size == SIDE:
        np.testing.assert_allclose(displacement[0, 0], RUN.maps[0], atol=1e-9)
        inside = slice(1, -1)
        image = normal_image(displacement[1, 0], RUN.tangent_from_atlas) / 127.5 - 1
        np.testing.assert_allclose(
            image[inside, inside], normal[1].transpose(1, 2, 0)[inside, inside], atol=0.005
        )


def test_numpy_blends_alike():
    masks = np.repeat(np.repeat(RUN.masks, 2, 1), 2, 2)
    maps = DetailMaps(REGIONS, masks, *RUN.maps)
    weights = np.random.default_rng(5).uniform(-1, 1, (1, len(REGIONS))).astype(np.float32)
    (displacement, _) = both(detail_map_onnx(RUN, SIDE), {"weights": weights})
    apart = np.abs(maps.displacement(weights[0]) - displacement[0, 0])
    smooth = np.ones((SIDE, SIDE), bool)  # masks' edges: blocks here, bilinear there
    smooth[SIDE // 2 - 2 : SIDE // 2 + 2] = smooth[:, SIDE // 2 - 2 : SIDE // 2 + 2] = False
    assert apart[smooth].max() < 1e-8


def test_the_same_run_gives_the_same_bytes():
    assert detail_onnx(RUN, RUN.channel_names) == detail_onnx(sphere_detail(), RUN.channel_names)
    assert detail_map_onnx(RUN, 16) == detail_map_onnx(sphere_detail(), 16)
