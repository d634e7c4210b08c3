"""A driven take: frames become a clip; every suffix finds its writer or says what is missing."""

from pathlib import Path

import numpy as np
import pytest

import mien
from mien import take as take_module
from mien.channels import HEAD_CHANNELS
from mien.clip import Clip
from mien.errors import InputError, MissingExtraError
from mien.take import Take, write_take

SPHERE = Path(__file__).parents[1] / "golden" / "sphere.mien"


@pytest.fixture(scope="module")
def take() -> Take:
    character = mien.load(SPHERE)
    times = np.array([0.0, 0.1, 0.2])
    names = character.channel_names
    values = np.linspace(0, 1, 3 * len(names)).reshape(3, -1).astype(np.float32)
    head = np.array([[0.1, -0.2, 0.05]] * 3, np.float32)
    clip = Clip((*names, *HEAD_CHANNELS[:3]), times, np.concatenate([values, head], 1))
    return Take(character, tuple(character.drive(clip)), source="clip")


def test_frames_become_the_clip_that_drove_them(take):
    clip = take.clip
    assert clip.names == (*take.character.channel_names, *HEAD_CHANNELS)
    assert np.array_equal(clip.times_s, [0.0, 0.1, 0.2])
    count = len(take.character.channel_names)
    assert np.allclose(clip.values[:, :count].ravel(), np.linspace(0, 1, 3 * count), atol=1e-6)
    assert np.allclose(clip.values[:, count : count + 3], [0.1, -0.2, 0.05], atol=1e-6)


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_clips_are_written_by_suffix(take, tmp_path, suffix):
    path = tmp_path / f"take{suffix}"
    write_take(path, take)
    assert len(Clip.read(path).times_s) == 3


def test_an_unknown_suffix_is_refused_before_anything_is_written(take, tmp_path):
    with pytest.raises(InputError, match=r"\.csv, \.npz, \.glb"):
        write_take(tmp_path / "take.fbx", take)
    assert not list(tmp_path.iterdir())


def test_a_missing_writer_names_its_extra(take, tmp_path, monkeypatch):
    monkeypatch.setattr(take_module, "entry_points", lambda **_: [])
    with pytest.raises(MissingExtraError, match=r"mien\[export\]"):
        write_take(tmp_path / "take.glb", take)


def test_a_take_without_frames_is_refused(take):
    with pytest.raises(InputError, match="no frames"):
        _ = Take(take.character, ()).clip
