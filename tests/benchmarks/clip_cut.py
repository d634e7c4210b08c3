"""Seconds of a clip as a file of their own: the same pixels, the clip's own times."""

from __future__ import annotations

from pathlib import Path

import av

__all__ = ["cut_clip"]


def cut_clip(clip: Path, start_s: float, stop_s: float, out: Path) -> Path:
    """Frames at start_s <= t < stop_s since the clip's first frame, losslessly; the path `out`.

    H.264 at quantiser 0 keeps every sample of the decoded frames, and their pixel format. `out`
    appears when it is whole. Raises ValueError where no frame lies between.
    """
    unfinished = out.with_name(f".{out.name}")
    count = 0
    with av.open(str(clip)) as source, av.open(str(unfinished), "w", format="mp4") as target:
        stream = source.streams.video[0]
        base = stream.time_base
        tick = {"video_track_timescale": str(round(1 / base))}
        target.container_options.update(tick)
        into = target.add_stream("libx264", rate=stream.average_rate)
        into.width, into.height = stream.codec_context.width, stream.codec_context.height
        into.pix_fmt = stream.codec_context.pix_fmt
        into.options = {"qp": "0", "preset": "veryfast", "bf": "0"}
        into.codec_context.time_base = base
        first: int | None = None
        for frame in source.decode(stream):
            first = frame.pts if first is None else first
            time_s = float((frame.pts - first) * base)
            if time_s >= stop_s:
                break
            if time_s < start_s:
                continue
            frame.pts -= first
            frame.time_base = base
            frame.pict_type = av.video.frame.PictureType.NONE
            target.mux(into.encode(frame))
            count += 1
        target.mux(into.encode())
    if not count:
        unfinished.unlink(missing_ok=True)
        raise ValueError(f"{clip}: no frame from {start_s:g} to {stop_s:g} s")
    unfinished.replace(out)
    return out
