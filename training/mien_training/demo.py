"""`mien demo`: the whole chain for one character, from an embedded head to a served animation."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

import mien
from mien.errors import InputError, ServiceError
from mien.video import count_frames, demo_video
from mien_exporters.detail.detail_run import write_detail_run
from mien_exporters.export import ExportConfig, export_runs
from mien_training.animator.train import TrainAnimatorConfig, character_of, train_animator
from mien_training.detail.drawn_detail import drawn_detail
from mien_training.head import rig_from_template

__all__ = ["DemoConfig", "run", "serving"]

CONSOLE = Console(stderr=True)
TAKES = ("take.csv", "animation.glb", "contact_sheet.png", "preview.gif", "preview.mp4")
"""What the demo shows."""


@dataclass(frozen=True)
class DemoConfig:
    """Build, train, export, serve and drive one character; show the result."""

    out: Path = Path("demo")
    """Folder for everything the demo makes."""
    video: Path | None = None
    """Video of the driving person; by default a short public test clip of a man talking."""
    train: TrainAnimatorConfig = field(default_factory=TrainAnimatorConfig)
    """How the animator is trained."""
    age: float = 0.5
    """Of the character's skin, which nobody has photographed: 0 youth, 1 old age."""
    json: bool = False
    """Print one JSON object on stdout and nothing else there."""


@contextmanager
def _stage(name: str, seconds: dict[str, float]) -> Iterator[None]:
    CONSOLE.rule(f"[bold]{name}", align="left")
    start = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - start, 1)


@contextmanager
def serving(package: Path, timeout_s: float = 30.0) -> Iterator[str]:
    """A server of its own process for one package, on a free loopback port; yields host:port."""
    command = [sys.executable, "-m", "mien", "serve", str(package), "--address", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if "127.0.0.1:" not in line:
            raise ServiceError(f"{' '.join(command)} did not start: {line.strip()!r}")
        yield "127.0.0.1:" + line.rpartition("127.0.0.1:")[2].split()[0]
    finally:
        process.terminate()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()


def _draw_detail(config: DemoConfig, folder: Path) -> None:
    template, identity, materials = character_of(config.train)
    rig, source = rig_from_template(template, template.name, identity, materials)
    write_detail_run(folder, drawn_detail(template, rig, source, config.age, config.train.seed))


def run(config: DemoConfig) -> int:
    """Run every stage; prints where the results are."""
    seconds: dict[str, float] = {}
    video = config.video or demo_video()
    count_frames(video)  # before all the work: is there one?
    try:
        config.out.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise InputError(f"--out {config.out}: cannot be a folder ({reason.strerror})") from None
    run_folder, package = config.out / "run", config.out / "character.mien"
    detail_folder = config.out / "detail"

    with _stage("train the animator", seconds):
        metrics = train_animator(replace(config.train, out=run_folder), quiet=config.json)
    with _stage("draw the skin's detail", seconds):
        _draw_detail(config, detail_folder)
    with _stage("export the character", seconds):
        export_runs(ExportConfig(runs=(run_folder, detail_folder), out=package))
    with _stage("serve the character, drive it with the video, show it", seconds):
        character = mien.load(package)
        files = [config.out / name for name in TAKES]
        with (
            serving(package) as address,
            mien.connect(address) as client,
            client.session(character.name) as session,
        ):
            recording = character.record(video, *files, performer=session)
    report = {
        "out": str(config.out),
        "frames": recording.frames,
        "metrics": metrics,
        "tracked": recording.statistics.tracked,
        "seconds": seconds,
        "total_seconds": round(sum(seconds.values()), 1),
    }
    (config.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    if config.json:
        print(json.dumps(report))
    else:
        for name, value in seconds.items():
            CONSOLE.print(f"{value:7.1f} s  {name}")
        CONSOLE.print(f"{report['total_seconds']:7.1f} s  in all")
        CONSOLE.print(f"\nLook at {config.out}/preview.gif and {config.out}/contact_sheet.png;")
        CONSOLE.print(f"open {config.out}/animation.glb in any glTF viewer.")
    return 0
