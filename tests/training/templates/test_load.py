"""Names and files lead to templates; the cache gives back what was built."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.templates import load_template
from mien_training.templates.load import read_template, write_template


def test_round_trip(anny, tmp_path):
    path = tmp_path / "a" / "anny.npz"
    write_template(path, anny)
    again = read_template(path)
    for name, value in vars(anny).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(again, name), value)
    assert again.joints == anny.joints and again.shape_names == anny.shape_names
    assert again.regions.keys() == anny.regions.keys()
    np.testing.assert_array_equal(again.identity.sample(1), anny.identity.sample(1))
    np.testing.assert_array_equal(again.landmarks.triangle, anny.landmarks.triangle)
    assert [p.name for p in path.parent.iterdir()] == ["anny.npz"]


def test_half_a_file_is_refused(anny, tmp_path):
    path = tmp_path / "half.npz"
    write_template(path, anny)
    whole = path.read_bytes()
    for part in (whole[: len(whole) // 2], whole[:10], b""):
        path.write_bytes(part)
        with pytest.raises(InputError, match=r"half\.npz: not a template file"):
            read_template(path)


def test_damaged_cache(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match=r"x\.npz"):
        read_template(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["anna", "ict:/nowhere/at/all", "nobody.glb", "head.fbx"])
def test_unknown_names(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    with pytest.raises(InputError):
        load_template(name)
    assert not list(tmp_path.rglob("*.npz"))
