"""Cached files are found by content, and damaged ones are named."""

import pickle

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.runs.cache import cached_path, read_arrays, read_cached, write_arrays


def test_paths_follow_from_content_alone(tmp_path):
    content = {"seed": 3, "head": np.arange(4.0), "parts": ("a", None)}
    path = cached_path(tmp_path, "posed", content)
    again = {"parts": ("a", None), "head": np.arange(4.0), "seed": 3}
    assert cached_path(tmp_path, "posed", again) == path
    assert path.name.startswith("posed-") and path.suffix == ".npz"
    for other in ({**content, "seed": 4}, {**content, "head": np.arange(4)}):
        assert cached_path(tmp_path, "posed", other) != path
    with pytest.raises(InputError, match="no content to hash"):
        cached_path(tmp_path, "posed", {"clip": tmp_path})


def test_arrays_come_back_as_they_were(tmp_path):
    arrays = {"x": np.random.default_rng(0).normal(size=(3, 2)), "flag": np.array(True)}
    write_arrays(tmp_path / "a.npz", arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == arrays.keys() and found["flag"].dtype == bool
    np.testing.assert_array_equal(found["x"], arrays["x"])
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("keep", [0, 10, 0.5, -1])
def test_a_damaged_file_is_named(tmp_path, keep):
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.arange(1000)})
    data = path.read_bytes()
    if keep == -1:  # as long as it was, another number
        path.write_bytes(data[:900] + bytes([data[900] ^ 255]) + data[901:])
    else:
        path.write_bytes(data[: keep if isinstance(keep, int) else int(keep * len(data))])
    with pytest.raises(InputError, match=r"a\.npz: damaged .*delete it"):
        read_arrays(path)


def test_so_is_a_damaged_file_of_another_kind(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"x": 1}))

    def load(path):
        return pickle.loads(path.read_bytes())

    assert read_cached(path, load) == {"x": 1}
    for damaged in (b"", b"nonsense", path.read_bytes()[:-3], b"cnowhere\nnothing\n."):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.pkl: damaged"):
            read_cached(path, load)
