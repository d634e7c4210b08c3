"""Serve a character and drive it over gRPC.

mien serve CHARACTER.mien                                            (in one terminal)
python samples/04_serve_and_stream.py NAME VIDEO [HOST:PORT]         (in another)
"""

import sys

import mien
from mien.tracked_source import track_video

name, video, *rest = sys.argv[1:]
address = rest[0] if rest else "127.0.0.1:50051"

with mien.connect(address) as client:
    for offered in client.characters():
        print(f"{address} offers {offered.name}: {offered.channel_count} channels")
    # The server estimates the driver's own neutral face from the first frames, as a local session
    # does. Tracked here, animated there: `stream` keeps the next frame on its way while one is
    # computed, and loses none.
    with client.session(name) as session:
        for frame in session.stream((seen.track, seen.time_s) for seen in track_video(video)):
            strongest = max(frame.channel_names, key=frame.__getitem__)
            print(f"{frame.time_s:7.3f} s  {strongest} {frame[strongest]:.2f}")
