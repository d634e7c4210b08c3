"""A client in another process streams a real performance at its own pace, twice: features, images.

    python tests/benchmarks/service_stream.py CHARACTER.mien [--frames 120] [--rate 30]

The video is the demo's (extra `demo`), or any with --video. Latency counts from the moment at which
a frame was due, not from when it was sent: a client that falls behind shows. Frames go out whether
or not earlier ones were answered. Every frame must be answered once, in order, or this fails.
Writes docs/results/service_stream.json and .md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from result_pages import RESULTS, only_rendered

import mien
from mien.service.async_client import AsyncClient, SessionRequest
from mien.service.images import encode_image
from mien.tracker import Tracker
from mien.tracker.features import driver_features
from mien.video import demo_video, read_frames
from mien_training.metrics.tables import write_results

WARM_UP = 5
"""Frames that are answered but not counted: first use of buffers and threads."""


def percentiles(latencies_s: list[float]) -> dict[str, float]:
    """Milliseconds."""
    ms = 1000 * np.array(latencies_s)
    return {
        "p50_ms": round(float(np.percentile(ms, 50)), 2),
        "p90_ms": round(float(np.percentile(ms, 90)), 2),
        "p99_ms": round(float(np.percentile(ms, 99)), 2),
        "max_ms": round(float(ms.max()), 2),
    }


async def paced(send: Any, receive: Any, count: int, rate_hz: float) -> dict[str, Any]:
    """Send frame i at start + i / rate; returns what came back."""
    start = time.perf_counter() + 0.1
    due = [start + i / rate_hz for i in range(count)]
    late: list[float] = []

    async def sender() -> None:
        for i in range(count):
            await asyncio.sleep(max(due[i] - time.perf_counter(), 0))
            late.append(time.perf_counter() - due[i])
            await send(i)

    sending = asyncio.create_task(sender())
    latencies, sequences, server, dropped = [], [], [], 0
    while len(sequences) + dropped < count:
        reply = await asyncio.wait_for(receive(), 30)
        latencies.append(time.perf_counter() - due[reply.sequence - 1])
        sequences.append(reply.sequence)
        server.append(reply.server_time_s)
        dropped = reply.dropped
    await sending
    return {
        "frames": count,
        "answered": len(sequences),
        "dropped": dropped,
        "once_and_in_order": sequences == list(range(1, count + 1)),
        "latency": percentiles(latencies[WARM_UP:]),
        "server_time": percentiles(server[WARM_UP:]),
        "sender_late": percentiles(late[WARM_UP:]),
    }


async def measure(address: str, name: str, features: Any, images: list[bytes], rate_hz: float):
    """Both streams, one after the other, against a running server."""
    count = len(images)
    async with AsyncClient(address) as client:
        request = SessionRequest(
            options=mien.SessionOptions(calibration_frames=15), rate_hz=rate_hz
        )
        async with client.session(name, request) as session:

            async def send_features(i: int) -> None:
                await session.send({"": features[i]}, i / rate_hz)

            by_features = await paced(send_features, session.receive, count, rate_hz)
        async with client.tracking(name, request=request) as stream:

            async def send_image(i: int) -> None:
                await stream.send(images[i], i / rate_hz)

            async def receive() -> Any:
                return (await stream.receive()).rig

            by_images = await paced(send_image, receive, count, rate_hz)
    return {"features": by_features, "images": by_images}


def start_server(package: Path) -> tuple[subprocess.Popen[str], str]:
    """`mien serve` in a process of its own; returns it and its address."""
    command = [sys.executable, "-m", "mien", "serve", str(package), "--address", "127.0.0.1:0"]
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"the server did not start (exit status {process.wait()})")
    return process, json.loads(line)["address"]


def page(report: dict[str, Any]) -> str:
    rows = [
        "# Streaming a real performance",
        "",
        f"`{report['command']}`: server and client in "
        f"two processes on one machine ({report['machine']}), {report['frames']} frames at "
        f"{report['rate_hz']:g} a second over loopback. Latency counts from the moment a frame was "
        "due. Images: the server decodes, tracks and animates.",
        "",
        "| stream | answered | once, in order | dropped | p50 ms | p90 ms | p99 ms | max ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in ("features", "images"):
        result = report[kind]
        latency = " | ".join(f"{value:g}" for value in result["latency"].values())
        rows.append(
            f"| {kind} | {result['answered']} of {result['frames']} | "
            f"{'yes' if result['once_and_in_order'] else 'NO'} | {result['dropped']} | {latency} |"
        )
    return "\n".join(rows) + "\n"


def main() -> int:
    if only_rendered(PAGES):
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rate", type=float, default=30.0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results")
    arguments = parser.parse_args()
    character = mien.load(arguments.package)
    tracker, features, images = Tracker(), [], []
    for frame in read_frames(str(arguments.video or demo_video())):
        if len(images) == arguments.frames:
            break
        tracks = tracker.track(frame.image, frame.time_s)
        features.append(driver_features(tracks[0], character.layout) if tracks else None)
        images.append(encode_image(frame.image))
    process, address = start_server(arguments.package)
    try:
        measured = asyncio.run(measure(address, character.name, features, images, arguments.rate))
    finally:
        process.terminate()
        process.wait(30)
    report = {
        "package": arguments.package.name,
        "frames": len(images),
        "rate_hz": arguments.rate,
        "feature_size": character.layout.size,
        "mean_image_bytes": round(float(np.mean([len(image) for image in images]))),
        "python": platform.python_version(),
        **measured,
    }
    command = f"python tests/benchmarks/service_stream.py {arguments.package.name}"
    write_results(arguments.out, "service_stream", command, report, page)
    return 0 if all(measured[kind]["once_and_in_order"] for kind in measured) else 1


PAGES = {"service_stream": page}

if __name__ == "__main__":
    sys.exit(main())
