"""When a film shows its frames, from its packets: nothing is decoded."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["film_times"]

_FALLBACK_HZ = 30.0


def film_times(path: Path) -> NDArray[np.float64]:
    """(T,) seconds of every frame since the first, in order of showing.

    Of raw streams, which carry no times, by the rate that they claim. Raises InputError, naming
    the file, for what is no film.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path}: has no video stream")
            stream = container.streams.video[0]
            rate_hz = float(stream.average_rate or 0.0) or _FALLBACK_HZ
            base = float(stream.time_base or 0.0)
            packets = [packet for packet in container.demux(stream) if packet.size]
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: not a readable film ({reason})") from None
    if not packets:
        raise InputError(f"{path}: the film has no frames")
    shown = [packet.pts for packet in packets if packet.pts is not None]
    if len(shown) < len(packets) or not base:
        return np.asarray(np.arange(len(packets)) / rate_hz)
    times = np.sort(np.array(shown, np.float64)) * base
    return np.asarray(times - times[0])
