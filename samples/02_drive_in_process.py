"""Drive a character with a video, and record the take.

python samples/02_drive_in_process.py CHARACTER.mien VIDEO [TAKE.csv ANIM.glb ...]

VIDEO may be "camera:0", an image, a folder of images or a recorded clip too; Ctrl-C ends a camera.
"""

import sys

import mien

package, video, *files = sys.argv[1:]
ada = mien.load(package)
for frame in ada.drive(video):
    name, weight = max(frame.weights.items(), key=lambda item: item[1])
    print(f"{frame.time_s:7.3f} s  {name} {weight:.2f}  confidence {frame.confidence:.2f}")
if files:
    print(ada.record(video, *files))
