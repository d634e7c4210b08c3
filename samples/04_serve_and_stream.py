"""Serve a character and drive it over gRPC.

mien serve CHARACTER.mien                                            (in one terminal)
python samples/04_serve_and_stream.py NAME VIDEO [HOST:PORT]         (in another)
"""

import sys
from collections.abc import Iterator

from mien.service.client import connect
from mien.tracker import FaceTrack, Tracker
from mien.video import read_frames

name, video, *rest = sys.argv[1:]
address = rest[0] if rest else "127.0.0.1:50051"


def moments() -> Iterator[tuple[FaceTrack | None, float]]:
    """What is seen in each image, and when: tracked here, animated there."""
    tracker = Tracker()
    for image in read_frames(video):
        faces = tracker.track(image.image, image.time_s)
        yield (faces[0] if faces else None), image.time_s


with connect(address) as client:
    for offered in client.characters():
        print(f"{address} offers {offered.name}: {offered.channel_count} channels")
    # The server watches the first frames for the driver's own neutral face, as a local session
    # does. `stream` keeps the next frame on its way while one is computed, and loses none.
    with client.session(name, calibration_frames=30) as session:
        for frame in session.stream(moments()):
            strongest = max(frame.channel_names, key=frame.__getitem__)
            print(f"{frame.time_s:7.3f} s  {strongest} {frame[strongest]:.2f}")
