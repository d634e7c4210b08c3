"""A basis from a few people: repeatable to the byte, measured on strangers, one run a folder."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.detail.basis.detail_basis import PARTS, DetailBasis
from mien_training.detail.basis.train_basis import TrainBasisConfig, person_detail, train_basis


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return TrainBasisConfig(
        tmp_path_factory.mktemp("basis") / "run", people=6, size=64, static_modes=3,
        compressed_modes=3, stretched_modes=2, held_out=2, workers=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def metrics(config):
    return train_basis(config, quiet=True)


def test_it_leaves_a_basis_and_what_it_is_worth(config, metrics):
    basis = DetailBasis.load(config.out / "basis.npz")
    regions = len(basis.link)
    assert basis.size == 64 and metrics["texels"] == len(basis.texel)
    for count, name, part in zip((3, 3, 2), PARTS, basis.parts, strict=True):
        assert metrics[name]["modes"] == len(part.modes) == count * regions
        assert 0 < metrics[name]["unexplained"] < 1 and metrics[name]["rms_um"] > 1
    assert json.loads((config.out / "metrics.json").read_text()) == metrics
    assert metrics["bytes"] == (config.out / "basis.npz").stat().st_size


def test_again_and_elsewhere_it_is_the_same(config, metrics, tmp_path):
    first = (config.out / "basis.npz").read_bytes()
    assert train_basis(config, quiet=True) == metrics
    assert (config.out / "basis.npz").read_bytes() == first
    train_basis(replace(config, out=tmp_path / "other"), quiet=True)
    assert (tmp_path / "other" / "basis.npz").read_bytes() == first


def test_people_that_are_missing_are_drawn_again(config, metrics):
    first = (config.out / "basis.npz").read_bytes()
    next((config.out / "people").glob("*.npz")).unlink()
    train_basis(config, quiet=True)
    assert (config.out / "basis.npz").read_bytes() == first


def test_a_folder_of_another_run_is_refused(config, metrics):
    with pytest.raises(InputError, match="people"):
        train_basis(replace(config, people=7), quiet=True)


def test_a_seed_is_a_person_and_age_deepens_them(anny):
    maps = person_detail(anny, 3, 64)
    assert maps.shape == (3, 64, 64)
    np.testing.assert_array_equal(maps, person_detail(anny, 3, 64))
    young, old = (person_detail(anny, 3, 64, age)[0] for age in (0.0, 1.0))
    assert old.std() > 3 * young.std()


def test_a_head_of_one_person_only_is_refused(anny):
    with pytest.raises(InputError, match="'anny' is one person only"):
        person_detail(replace(anny, identity=None), 0, 64)


@pytest.mark.parametrize(
    ("name", "value"),
    [("people", 3), ("size", 16), ("static_modes", 0), ("held_out", 0), ("seed", -1)],
)
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(InputError, match=rf"{name} is {value}, expected \d+ to \d+"):
        TrainBasisConfig(**{name: value})
