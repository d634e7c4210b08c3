"""Footage drives a character: seen frames, the driver's own neutral, one Frame per image."""

from pathlib import Path

import numpy as np
import pytest

import mien
from mien.clip import Clip
from mien.commands.track import clip_from_seen
from mien.driving import SeenFrame, drive, neutral_of, watch
from mien.errors import MienError
from mien.tracker.features import FeatureLayout, driver_features

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def astronaut() -> list[SeenFrame]:
    return list(watch(str(GOLDEN / "astronaut.jpg"), progress=False))


def test_a_picture_is_one_seen_face(astronaut):
    assert len(astronaut) == 1
    assert astronaut[0].track is not None and astronaut[0].track.presence > 0.9


def test_her_neutral_is_herself(astronaut):
    layout = FeatureLayout(("scores", "head_rotation"))
    neutral = neutral_of([astronaut[0].track, None], layout)
    assert np.allclose(neutral, driver_features(astronaut[0].track, layout), atol=1e-6)


def test_no_face_is_an_error_that_counts():
    with pytest.raises(MienError, match="any of the 2 driving frames"):
        neutral_of([None, None], FeatureLayout(("scores",)))


def test_one_frame_per_image_even_without_a_face(astronaut):
    character = mien.load(GOLDEN / "sphere.mien")
    seen = [
        SeenFrame(i / 30, astronaut[0].image_size, astronaut[0].track if i != 2 else None)
        for i in range(4)
    ]
    frames = drive(character, seen)
    assert [frame.time_s for frame in frames] == [s.time_s for s in seen]
    assert frames[2].confidence < frames[1].confidence
    assert frames[3].confidence == frames[1].confidence


def test_tracking_gives_an_arkit_clip_of_the_tracked_frames(astronaut):
    seen = [SeenFrame(0.0, (1, 1), None), SeenFrame(0.1, (1, 1), astronaut[0].track)]
    clip = clip_from_seen(seen)
    assert isinstance(clip, Clip) and clip.times_s.tolist() == [0.1]
    smile = clip.values[0, clip.names.index("mouthSmileLeft")]
    assert smile > 0.5  # she smiles
    with pytest.raises(MienError, match="any of the 1 frames"):
        clip_from_seen(seen[:1])
