"""The driver beside the character: contact sheets and videos."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mien.atomic import write_atomically
from mien.avatar.playback.avatar_image import marked_png
from mien.avatar.playback.splat_avatar import SplatAvatar
from mien.avatar.playback.volume_avatar import VolumeAvatar
from mien.deform import blend, pose_from_head, shape_weights, skin
from mien.detail import DetailMaps
from mien.errors import InputError
from mien.frame import Frame
from mien.rig import Rig
from mien.rotation import IDENTITY
from mien.take import Rigged, Take
from mien.video import VideoWriter
from mien_training.cameras.camera import Camera, look_at_camera
from mien_training.head.landmark_sets import (
    BROWS,
    FACE_OVAL,
    INNER_LIPS,
    IRISES,
    LID_OUTLINES,
    NOSE_BASE,
    NOSE_BRIDGE,
    OUTER_LIPS,
)
from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.rendering.relief.drawn_relief import DrawnRelief
from mien_training.runs.progress import Progress, ProgressBars, Report, silent

__all__ = [
    "PreviewFrame", "PreviewStage", "contact_sheet", "portrait_png", "preview_frames",
    "preview_video", "shown_avatar", "skin_detail", "telling_frames", "write_contact_sheet",
    "write_preview_video",
]  # fmt: skip

ImageArray = NDArray[np.uint8]

GROUND = (24, 26, 31)
INK = (222, 226, 232)
POINT = (110, 196, 255)
_MAP_SIDE = 512

CONTOURS = tuple(
    (*outline, outline[0])
    for outline in (OUTER_LIPS, INNER_LIPS, *LID_OUTLINES[::-1], *BROWS[::-1], FACE_OVAL,
                    *IRISES[::-1])
) + (NOSE_BRIDGE, NOSE_BASE)  # fmt: skip
"""What is drawn as lines: the tracker's points of these, in order."""


@dataclass(frozen=True, eq=False)
class PreviewFrame:
    """One moment to show: what the driver did, and what the rig does."""

    time_s: float
    weights: NDArray[np.float32]
    """(K,) blendshape weights in the rig's order."""
    head_rotation_xyzw: NDArray[np.float32] | None = None
    """(4,) rotation of the head in rig axes; None for none."""
    landmarks: NDArray[np.float32] | None = None
    """(L, 2 or 3) the driver's points, image pixels; None where no face was seen."""
    image: ImageArray | None = None
    """(H, W, 3) the driver's image; leave it out where it may not be shown."""
    detail: NDArray[np.float32] | None = None
    """(R,) weights of the wrinkle regions; None: the skin stays as at rest."""


def preview_frames(take: Take) -> list[PreviewFrame]:
    """A take's frames, with the driver as landmarks only."""
    rig = take.character.rig
    driver = take.landmarks or (None,) * len(take.frames)
    return [
        PreviewFrame(
            frame.time_s,
            shape_weights(rig, frame.channel_names, frame.channels),
            np.asarray(frame.head_rotation_xyzw, np.float32),
            landmarks,
            detail=frame.detail if len(frame.detail) else None,
        )
        for frame, landmarks in zip(take.frames, driver, strict=True)
    ]


def skin_detail(character: Rigged) -> DetailMaps | None:
    """The maps that previews are drawn with; None for a character without skin detail."""
    return character.detail_maps(_MAP_SIDE) if character.detail_names else None


def shown_avatar(take: Take) -> SplatAvatar | VolumeAvatar | None:
    """The avatar that previews of a take are drawn with; None for the mesh."""
    return take.character.avatar() if take.avatar else None


class PreviewStage:
    """Draws panels: the driver's (if any frame has one) and the character's, as its mesh with the
    skin's detail, or as its photoreal avatar."""

    def __init__(
        self, rig: Rig, frames: Sequence[PreviewFrame], side: int, detail: DetailMaps | None = None,
        avatar: SplatAvatar | VolumeAvatar | None = None,
    ) -> None:  # fmt: skip
        self.rig, self.side, self.detail, self.avatar = rig, side, detail, avatar
        self.renderer = HeadRenderer(rig)
        self.camera = portrait_camera(rig, side)
        self.with_driver = any(f.landmarks is not None or f.image is not None for f in frames)
        seen = [f.landmarks[:, :2] for f in frames if f.landmarks is not None]
        # One crop for all frames, so that the driver's own motion stays visible.
        low, high = np.zeros(2), np.ones(2)
        if seen:
            low, high = np.min([p.min(0) for p in seen], 0), np.max([p.max(0) for p in seen], 0)
        extent = max(float((high - low).max()), 1e-6) * 1.25
        self._scale = side / extent
        self._corner = 0.5 * (low + high) - 0.5 * extent

    def panels(self, frame: PreviewFrame) -> ImageArray:
        head = self.head(frame)
        if not self.with_driver:
            return head
        return np.concatenate([self.driver(frame), head], 1)

    def head(self, frame: PreviewFrame) -> ImageArray:
        if self.avatar is not None:
            shown = _plain_frame(self.rig, frame)
            picture = self.avatar.image(shown, self.camera, self.side, self.side)
            return picture.over(_ground(self.side))
        vertices = blend(self.rig, frame.weights)
        if frame.head_rotation_xyzw is not None:
            vertices = skin(self.rig, vertices, pose_from_head(self.rig, frame.head_rotation_xyzw))
        maps = self.detail
        if maps is not None and maps.places is not None:
            weights = np.zeros(len(maps.region_names)) if frame.detail is None else frame.detail
            height = maps.displacement(weights)
            self.renderer.relief = DrawnRelief.of(maps.places, self.rig.triangles, height)
        return self.renderer.render(vertices, self.camera, background=_ground(self.side))

    def driver(self, frame: PreviewFrame) -> ImageArray:
        if frame.image is not None:
            image = Image.fromarray(frame.image)
            image.thumbnail((self.side, self.side))
            if max(image.size) < self.side:
                ratio = self.side / max(image.size)
                image = image.resize((round(image.width * ratio), round(image.height * ratio)))
            panel = Image.new("RGB", (self.side, self.side), GROUND)
            left, top = ((self.side - s) // 2 for s in image.size)
            panel.paste(image, (left, top))
            return np.asarray(panel)
        # Twice the size, then halved: lines of even weight.
        panel = Image.new("RGB", (2 * self.side, 2 * self.side), GROUND)
        draw = ImageDraw.Draw(panel)
        if frame.landmarks is None:
            _write(draw, (self.side * 0.62, self.side * 0.95), "no face", 2 * self.side // 18)
        else:
            points = (frame.landmarks[:, :2] - self._corner) * self._scale * 2
            r = max(self.side / 320, 0.8)
            for x, y in points:
                draw.ellipse((x - r, y - r, x + r, y + r), fill=(66, 92, 116))
            if len(points) == 478:
                for contour in CONTOURS:
                    line = [(float(points[i, 0]), float(points[i, 1])) for i in contour]
                    draw.line(line, fill=POINT, width=max(self.side // 120, 2), joint="curve")
        return np.asarray(panel.resize((self.side, self.side), Image.Resampling.BOX))


def _plain_frame(rig: Rig, shown: PreviewFrame) -> Frame:
    straight = IDENTITY.astype(np.float32)
    turn = straight if shown.head_rotation_xyzw is None else shown.head_rotation_xyzw
    return Frame(
        shown.time_s, rig.shape_names, np.asarray(shown.weights, np.float32), turn,
        np.zeros(3, np.float32), straight, straight, np.zeros(0, np.float32), 1.0,
    )  # fmt: skip


def portrait_camera(rig: Rig, side: int, vertical_fov: float = 0.32) -> Camera:
    """A camera straight before the neutral head, which fills most of the square image."""
    low, high = rig.vertices.min(0).astype(float), rig.vertices.max(0).astype(float)
    target = np.array([0.5 * (low[0] + high[0]), 0.55 * high[1] + 0.45 * low[1], high[2] - 0.06])
    distance = 0.5 * 1.06 * (high[1] - low[1]) / np.tan(0.5 * vertical_fov)
    eye = target + np.array([0.0, 0.0, distance])
    return look_at_camera(eye, target, vertical_fov, side, side)


def _ground(side: int) -> ImageArray:
    shade = np.linspace(1.9, 0.9, side)[:, None, None] * np.array(GROUND, np.float64)
    return np.broadcast_to(shade, (side, side, 3)).astype(np.uint8)


def _write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, height: int) -> None:
    draw.text(at, text, fill=INK, font=ImageFont.load_default(size=max(height, 9)))


def _labelled(panel: ImageArray, time_s: float) -> ImageArray:
    image = Image.fromarray(panel)
    height = panel.shape[0] // 22
    _write(ImageDraw.Draw(image), (height * 0.6, height * 0.4), f"{time_s:6.2f} s", height)
    return np.asarray(image)


def telling_frames(frames: Sequence[PreviewFrame], count: int) -> list[PreviewFrame]:
    """The `count` frames that differ most from each other, in order of time.

    Farthest-point choice over weights and head rotation, from the frame nearest to neutral on.
    """
    if not frames:
        raise InputError("telling_frames: there are no frames")
    still = np.array([0.0, 0.0, 0.0, 1.0], np.float32)
    turns = [still if f.head_rotation_xyzw is None else f.head_rotation_xyzw for f in frames]
    x = np.concatenate([np.stack([f.weights for f in frames]), 3 * np.stack(turns)[:, :3]], 1)
    chosen = [int(np.square(x).sum(1).argmin())]
    distance = np.full(len(x), np.inf)
    while len(chosen) < min(count, len(frames)):
        distance = np.minimum(distance, np.square(x - x[chosen[-1]]).sum(1))
        distance[chosen] = -1.0
        chosen.append(int(distance.argmax()))
    return [frames[i] for i in sorted(chosen)]


def contact_sheet(
    rig: Rig, frames: Sequence[PreviewFrame], columns: int = 4, side: int = 240,
    detail: DetailMaps | None = None, avatar: SplatAvatar | VolumeAvatar | None = None,
) -> ImageArray:  # fmt: skip
    """(H, W, 3) grid of all `frames`, each as driver (if there is one) beside the character."""
    if not frames or columns < 1:
        raise InputError(f"contact_sheet: {len(frames)} frames in {columns} columns, expected >= 1")
    stage = PreviewStage(rig, frames, side, detail, avatar)
    cells = [_labelled(stage.panels(f), f.time_s) for f in frames]
    blank = np.full_like(cells[0], GROUND)
    columns = min(columns, len(cells))
    cells += [blank] * (-len(cells) % columns)
    rows = [np.concatenate(cells[i : i + columns], 1) for i in range(0, len(cells), columns)]
    return np.concatenate(rows)


def preview_video(
    path: str | Path,
    rig: Rig,
    frames: Sequence[PreviewFrame],
    rate_hz: float = 30.0,
    side: int = 480,
    report: Report = silent,
    detail: DetailMaps | None = None,
    avatar: SplatAvatar | VolumeAvatar | None = None,
) -> None:
    """MP4 of driver (if there is one) beside the character, at the frames' own times; with an
    avatar its metadata say that it is synthetic."""
    if not frames:
        raise InputError(f"preview_video: no frames to write to {path}")
    stage = PreviewStage(rig, frames, side, detail, avatar)
    start_s = frames[0].time_s
    mark = "" if avatar is None else avatar.entry.synthetic_mark
    with VideoWriter(path, rate_hz, mark) as video:
        for done, frame in enumerate(frames, 1):
            video.write(_labelled(stage.panels(frame), frame.time_s), frame.time_s - start_s)
            report(Progress(Path(path).name, done, len(frames)))


def portrait_png(rig: Rig, side: int = 512) -> bytes:
    """PNG of the neutral character, for the package's preview.png."""
    neutral = PreviewFrame(0.0, np.zeros(len(rig.shape_names), np.float32))
    buffer = io.BytesIO()
    Image.fromarray(PreviewStage(rig, [neutral], side).head(neutral)).save(buffer, "PNG")
    return buffer.getvalue()


def write_preview_video(path: Path, take: Take) -> None:
    """Take writer of .mp4 (entry point `mien.take_writers`)."""
    with ProgressBars() as bars:
        character = take.character
        preview_video(
            path, character.rig, preview_frames(take), report=bars, detail=skin_detail(character),
            avatar=shown_avatar(take),
        )  # fmt: skip


def write_contact_sheet(path: Path, take: Take) -> None:
    """Take writer of .png: the twelve most telling moments (entry point `mien.take_writers`)."""
    frames = telling_frames(preview_frames(take), 12)
    avatar, detail = shown_avatar(take), skin_detail(take.character)
    sheet = contact_sheet(take.character.rig, frames, detail=detail, avatar=avatar)
    if avatar is not None:
        write_atomically(path, marked_png(sheet, avatar.entry.synthetic_mark))
        return
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
