"""Drive a character with a video, live, in one process.

python samples/02_drive_in_process.py CHARACTER.mien VIDEO      (or "camera:0", an image, a folder)
"""

import sys

import mien
from mien.filters import OneEuroConfig
from mien.tracker import Tracker
from mien.video import read_frames

package, video = sys.argv[1:]
character = mien.load(package)
tracker = Tracker()

# The first second is watched for the driver's own neutral face; smoothing is a choice.
session = character.session(calibration_frames=30, smoothing=OneEuroConfig())
for image in read_frames(video):
    faces = tracker.track(image.image, image.time_s)
    frame = session.step(faces[0] if faces else None, image.time_s)
    strongest = max(frame.channel_names, key=frame.__getitem__)
    print(f"{frame.time_s:7.3f} s  {strongest} {frame[strongest]:.2f}  sure {frame.confidence:.2f}")
