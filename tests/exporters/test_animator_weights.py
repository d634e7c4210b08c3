"""Weights on disk: round trip, same bytes, and refusals."""

import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from support.animators import small_weights

from mien.errors import ChannelError, InputError
from mien_exporters.animator_weights import AnimatorWeights


def test_what_is_written_is_read_back_exactly(tmp_path) -> None:
    weights = small_weights()
    back = AnimatorWeights.read(weights.write(tmp_path / "animator.npz"))
    for field in fields(AnimatorWeights):
        np.testing.assert_array_equal(getattr(back, field.name), getattr(weights, field.name))
    assert (back.feature_size, back.hidden_size) == (56, 12)


def test_same_weights_same_bytes(tmp_path) -> None:
    small_weights(3).write(tmp_path / "a.npz")
    small_weights(3).write(tmp_path / "b.npz")
    small_weights(4).write(tmp_path / "c.npz")
    a, b, c = ((tmp_path / f"{name}.npz").read_bytes() for name in "abc")
    assert a == b != c
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz", "c.npz"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"out_b": np.zeros(4, np.float32)}, r"out_b has shape \(4,\), expected \(5,\)"),
        ({"embed_w": np.zeros((10, 21), np.float32)}, "embed_w has shape"),
        ({"mean": np.zeros(56)}, "mean is float64, expected float32"),
        ({"mean": np.full(56, np.nan, np.float32)}, "mean holds values that are not finite"),
        ({"projection": np.zeros(56, np.float32)}, "projection has shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, message) -> None:
    with pytest.raises(InputError, match=message):
        replace(small_weights(), **change)


def test_names_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ChannelError, match="not unique"):
        replace(small_weights(), channel_names=("a", "b", "c", "d", "a"))
    with pytest.raises(ChannelError, match="do not add up to the 56 features"):
        replace(small_weights(), groups=(("scores", 52), ("dt", 1)))


def test_foreign_files_are_refused_by_name(tmp_path) -> None:
    path = tmp_path / "w.npz"
    with pytest.raises(InputError, match=r"w\.npz: cannot be read"):
        AnimatorWeights.read(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(InputError, match=r"w\.npz: not the weights of an animator"):
        AnimatorWeights.read(path)
    np.savez(path, mean=np.zeros(3, np.float32))
    with pytest.raises(InputError, match=r"w\.npz: not the weights of an animator"):
        AnimatorWeights.read(path)


def test_pickles_are_never_opened(tmp_path) -> None:
    path = small_weights().write(tmp_path / "w.npz")
    with zipfile.ZipFile(path) as archive:
        names = archive.read("names.json")
    np.savez(path, mean=np.array([{"a": 1}], dtype=object))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("names.json", names)
    with pytest.raises(InputError, match="Object arrays cannot be loaded"):
        AnimatorWeights.read(path)
