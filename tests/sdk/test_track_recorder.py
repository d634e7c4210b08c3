from pathlib import Path

import pytest

from mien.channels import ARKIT_CHANNELS, HEAD_CHANNELS
from mien.errors import MienError
from mien.rotation import yaw_pitch_roll_from_quaternion
from mien.track_recorder import TrackRecorder
from mien.tracked_source import SeenFrame, track_video

ASTRONAUT = Path(__file__).parents[1] / "golden" / "astronaut.jpg"


def test_tracking_gives_an_arkit_clip_of_the_tracked_images():
    (astronaut,) = track_video(ASTRONAUT)
    recorder = TrackRecorder()
    recorder.add(SeenFrame(0.0, (1, 1), None))
    with pytest.raises(MienError, match="any of the 1 frames"):
        _ = recorder.clip
    recorder.add(SeenFrame(0.1, (1, 1), astronaut.track))
    clip = recorder.clip
    assert clip.names == (*ARKIT_CHANNELS, *HEAD_CHANNELS) and clip.times_s.tolist() == [0.1]
    assert clip["mouthSmileLeft"][0] > 0.5  # she smiles
    angles = yaw_pitch_roll_from_quaternion(astronaut.track.head_rotation_xyzw)
    assert clip.values[0, 52:55].tolist() == pytest.approx(angles.tolist(), abs=1e-6)
    assert not clip["tongueOut"].any() and not clip.values[:, 55:].any()
    assert (recorder.statistics.frames, recorder.statistics.tracked) == (2, 1)
