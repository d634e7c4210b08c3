"""The network behind its checks: any batch alike, wrong input and wrong graphs refused."""

import numpy as np
import pytest
from support.packages import tiny_animator
from support.splat_avatars import sphere_avatar

from mien.avatar.playback.coefficient_model import CoefficientModel
from mien.errors import InputError
from mien_exporters.avatar.avatar_onnx import avatar_onnx

RUN = sphere_avatar()
NAMES = tuple(f"a{k}" for k in range(len(RUN.maps)))
DATA = avatar_onnx(RUN, RUN.channel_names, NAMES)


@pytest.fixture(scope="module")
def model():
    return CoefficientModel(DATA, RUN.channel_names, NAMES)


def test_a_batch_is_its_singles(model):
    rng = np.random.default_rng(0)
    x, q = rng.random((5, 3)), rng.normal(size=(5, 4))
    batch = model.coefficients(x, q)
    singles = np.stack([model.coefficients(a, b) for a, b in zip(x, q, strict=True)])
    assert batch.shape == (5, len(NAMES))
    np.testing.assert_allclose(batch, singles, atol=1e-6)
    np.testing.assert_allclose(model.coefficients(x, -3 * q), batch, atol=1e-5)


@pytest.mark.parametrize(
    ("x", "q", "match"),
    [
        (np.zeros(4), np.ones(4), "channels have shape"),
        (np.zeros(3), np.ones(3), "rotations have shape"),
        (np.zeros((2, 3)), np.ones(4), "rotations have shape"),
        (np.full(3, np.nan), np.ones(4), "not finite"),
        (np.zeros(3), np.zeros(4), "zero rotation"),
    ],
)
def test_wrong_input_is_refused(model, x, q, match):
    with pytest.raises(InputError, match=match):
        model.coefficients(x, q)


def test_wrong_graphs_are_refused():
    for data, channels, match in (
        (b"no", RUN.channel_names, "cannot load"),
        (tiny_animator(), RUN.channel_names, "the model's tensors are"),
        (DATA, RUN.channel_names[:2], "the model's tensors are"),
    ):
        with pytest.raises(InputError, match=match):
            CoefficientModel(data, channels, NAMES)
