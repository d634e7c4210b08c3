"""Memory that `mien capture` takes besides its networks: reading a moment, joining a take.

python tests/benchmarks/capture_memory.py        writes docs/results/capture_memory.json and .md

Every case is a new process; figures are its peak above what it had after its imports. Films are
H.264 as `VideoWriter` makes them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from result_pages import RESULTS, only_rendered

from mien.video import VideoWriter
from mien_training.cameras import look_at_camera
from mien_training.cameras.calibration import calibration_json
from mien_training.capture.take import open_take, parse_frames
from mien_training.footage.captured import CapturedMeshes, write_meshes
from mien_training.metrics.tables import write_results

VIEWS = 16
MOMENTS = {"films": 10, "numbered pictures": 2}
"""A decoder fills up over some frames."""
CASES = (
    ("films", 1920, 1080), ("films", 3840, 2160), ("numbered pictures", 3840, 2160),
)  # fmt: skip
JOINED, VERTICES = 600, 6540
BUDGET_MB = 2048


def sheet(width: int, height: int, moment: int) -> np.ndarray:
    """Coarse noise that moves, so that frames differ as filmed ones do."""
    coarse = np.random.default_rng(0).integers(60, 200, (height // 8, width // 8, 3), np.uint8)
    return np.roll(coarse.repeat(8, 0).repeat(8, 1), 3 * moment, 0)


def write_source(folder: Path, kind: str, width: int, height: int) -> None:
    """One camera's, which all others are links to."""
    if kind == "films":
        with VideoWriter(folder / "00.mp4", 30) as film:
            for n in range(MOMENTS[kind]):
                film.write(sheet(width, height, n))
        return
    (folder / "00").mkdir()
    for n in range(MOMENTS[kind]):
        Image.fromarray(sheet(width, height, n)).save(folder / "00" / f"{n}.png", compress_level=1)


def write_case(folder: Path, kind: str, width: int, height: int) -> None:
    write_source(folder, kind, width, height)
    suffix = ".mp4" if kind == "films" else ""
    names = [f"{c:02d}{suffix}" for c in range(VIEWS)]
    for name in names[1:]:
        (folder / name).symlink_to(folder / names[0])
    angles = np.linspace(-1, 1, VIEWS)
    cameras = {
        name: look_at_camera((np.sin(a), 0.1, np.cos(a)), (0, 0, 0), 0.35, width, height)
        for name, a in zip(names, angles, strict=True)
    }
    (folder / "cameras.json").write_bytes(calibration_json(cameras, 1.0))


def peak_mb() -> float:
    """Of this process alone: what getrusage tells has its parent's peak in it."""
    return memory_mb("VmHWM")


def held_mb() -> float:
    """Now, not at most."""
    return memory_mb("VmRSS")


def memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name))) / 1024


def read_case(folder: Path) -> dict[str, float]:
    before = held_mb()
    calibration = folder / "cameras.json"
    names = [camera["file"] for camera in json.loads(calibration.read_text())["cameras"]]
    take = open_take([folder / name for name in names], calibration, parse_frames(":"))
    clock = time.process_time()
    moments = take.moments()
    for _ in range(len(take)):
        moment = next(moments)
        assert len(moment.images) == VIEWS
        del moment
    return {"mb": peak_mb() - before, "cpu_s": (time.process_time() - clock) / len(take)}


def join_case(folder: Path) -> dict[str, float]:
    vertices = np.random.default_rng(0).random((JOINED, VERTICES, 3), np.float32)
    meshes = CapturedMeshes(
        template="anny", topology_sha256="0" * 64, frame=np.arange(JOINED),
        time_s=np.arange(JOINED) / 30, vertices=vertices,
        world_from_head=np.tile(np.eye(4), (JOINED, 1, 1)),
        confidence=np.ones((JOINED, VERTICES), np.float16),
        views=np.ones((JOINED, VERTICES), np.uint8),
        spread_m=np.ones((JOINED, VERTICES), np.float16), failure=("",) * JOINED,
    )  # fmt: skip
    before = held_mb() - vertices.nbytes / 2**20
    write_meshes(folder / "meshes.npz", meshes)
    return {"mb_a_moment": (peak_mb() - before) / JOINED}


def in_a_process(case: str, folder: Path) -> dict[str, float]:
    call = [sys.executable, __file__, case, str(folder)]
    return dict(json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout))


def page(result: dict[str, Any]) -> str:
    """The page for people."""
    rows = [
        f"| {kind} | {size} | {v['mb']:.0f} | {v['cpu_s']:.2f} |"
        for kind, sizes in result["reading"].items()
        for size, v in sizes.items()
    ]
    return "\n".join(
        [
            "# Memory of a capture",
            "",
            f"`{result['command']}`: {result['machine']}. Peak above what the process had after "
            f"its imports, without networks; {result['views']} cameras, budget "
            f"{result['budget_mb']} MB.",
            "",
            "| sources | pixels | MB | CPU s to read a moment |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Films of {result['frames']['films']} frames; longer ones take no more. Films hold "
            "more than pictures: every decoder keeps the frames that others are predicted from.",
            "",
            f"Joining all moments into one file takes {result['joining']['mb_a_moment']:.2f} MB a "
            f"moment for {result['vertices']} vertices.",
            "",
        ]
    )


PAGES = {"capture_memory": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    if len(sys.argv) == 3:
        case = {"read": read_case, "join": join_case}[sys.argv[1]]
        print(json.dumps(case(Path(sys.argv[2]))))
        return
    reading: dict[str, dict[str, dict[str, float]]] = {}
    for kind, width, height in CASES:
        with tempfile.TemporaryDirectory() as folder:
            write_case(Path(folder), kind, width, height)
            found = in_a_process("read", Path(folder))
            reading.setdefault(kind, {})[f"{width} x {height}"] = found
    with tempfile.TemporaryDirectory() as folder:
        joining = in_a_process("join", Path(folder))
    record = {
        "views": VIEWS, "frames": MOMENTS, "budget_mb": BUDGET_MB, "vertices": VERTICES,
        "reading": reading, "joining": joining,
    }  # fmt: skip
    command = "python tests/benchmarks/capture_memory.py"
    write_results(RESULTS, "capture_memory", command, record, page)


if __name__ == "__main__":
    main()
