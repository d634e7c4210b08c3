"""The wrinkle network: only one of the declared tensors is taken."""

import pytest
from support.packages import tiny_animator
from support.wrinkles import REGIONS, sphere_detail

from mien.errors import InputError
from mien.wrinkle_model import WrinkleModel
from mien_exporters.detail.detail_graphs import detail_onnx

RUN = sphere_detail()


def test_other_models_are_refused():
    with pytest.raises(InputError, match="cannot load"):
        WrinkleModel(b"nothing", RUN.channel_names, REGIONS)
    with pytest.raises(InputError, match="tensors are"):
        WrinkleModel(tiny_animator(), RUN.channel_names, REGIONS)
    with pytest.raises(InputError, match="tensors are"):
        WrinkleModel(detail_onnx(RUN, RUN.channel_names), RUN.channel_names, REGIONS[:2])


def test_thousands_of_frames_at_once_and_one_by_one_agree():
    import numpy as np

    model = WrinkleModel(detail_onnx(RUN, RUN.channel_names), RUN.channel_names, REGIONS)
    x = np.random.default_rng(0).random((2000, 3)).astype(np.float32)
    whole = model.weights(x)
    np.testing.assert_allclose(whole[::97], [model.weights(row) for row in x[::97]], atol=1e-6)
