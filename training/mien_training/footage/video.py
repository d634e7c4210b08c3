"""A video as a recording of the face: tracked whole, cropped around the head, brought to size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.tracker import Tracker
from mien.tracker.pose import assumed_focal_px
from mien.video import count_frames, read_frames
from mien_training.cameras.camera import Camera
from mien_training.cameras.undistort import lens_map, undistort
from mien_training.footage.face_crop import FaceCrop, SourceFrames, cut_square, read_crops
from mien_training.footage.observations import CameraRecording
from mien_training.runs.progress import Progress, Report, silent
from mien_training.runs.stages import Stages

__all__ = ["NoFaceError", "pinhole_camera", "read_recording"]

Float64Array = NDArray[np.float64]

_MARGIN = 0.35
"""Of the face's extent, on each side of the crop: the tracker's points end at the hairline."""


class NoFaceError(InputError):
    """A recording or image in which the tracker finds no face; others may do without it."""


def pinhole_camera(width: int, height: int, focal_px: float | None = None) -> Camera:
    """A camera at the origin, looking along +Z: all that is known of a single video's.

    Its focal length is the longer side (a field of view of 53 degrees) if left out.
    """
    focal = assumed_focal_px(width, height) if focal_px is None else focal_px
    K = np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return Camera(K, np.eye(4), width, height)


def read_recording(
    source: str | Path,
    size: int,
    camera: Camera | None = None,
    most_frames: int = 300,
    report: Report = silent,
    mask: NDArray[np.bool_] | None = None,
    stages: Stages | None = None,
) -> CameraRecording:
    """Crops of the face, (size, size), of every 1st, 2nd, 4th .. frame: at most `most_frames`.

    source: video, image or folder of images; camera: `pinhole_camera` if None. The crop is one for
    the whole recording, so a face that walks through the image becomes small. Times are the
    file's own. mask (H, W): where the head is, of a still camera's only image. stages: keep the
    tracked points under the file's name; a file of which they are kept is not tracked again.

    Raises NoFaceError for a file that shows no face, InputError for one of another size than
    `camera` or `mask`.
    """
    name = Path(source).name
    tracked = (stages or Stages()).run(
        f"tracking {name}", lambda: _track(source, camera, most_frames, report, mask)
    )
    frames, points = tracked["frames"].tolist(), tracked["points"].numpy()
    camera = camera or pinhole_camera(*tracked["image_size"])
    return _cropped(source, frames, points, camera, size, mask)


def _track(
    source: str | Path,
    camera: Camera | None,
    most_frames: int,
    report: Report,
    mask: NDArray[np.bool_] | None,
) -> dict[str, Any]:
    """`frames` (T,) indices in the file, `points` (T, 478, 2) of the undistorted frames, pixels,
    NaN without a face, `image_size` (width, height). Raises what `read_recording` raises."""
    total = count_frames(source) or 0
    every = 1
    kept: list[int] = []
    points: list[NDArray[np.float32]] = []
    tracker: Tracker | None = None
    lens: Float64Array | None = None
    for n, frame in enumerate(read_frames(source)):
        height, width = frame.image.shape[:2]
        if camera is None:
            camera = pinhole_camera(width, height)
        if (camera.height, camera.width) != (height, width):
            raise InputError(
                f"{source}: frames of {width} x {height}, but its camera has {camera.width} x "
                f"{camera.height}"
            )
        if mask is not None and mask.shape != (height, width):
            raise InputError(f"{source}: {width} x {height}, but its mask has {mask.shape[::-1]}")
        tracker = tracker or Tracker(focal_px=float(camera.K[0, 0]))
        lens = lens_map(camera) if lens is None else lens
        # Every frame: following is surer than finding again.
        faces = tracker.track(undistort(frame.image, lens))
        if n % every == 0:
            kept.append(n)
            found = faces[0].landmarks[:, :2] if faces else np.full((478, 2), np.nan)
            points.append(found.astype(np.float32))
        if len(kept) > most_frames:
            kept, points, every = kept[::2], points[::2], 2 * every
        report(Progress(f"tracking {Path(source).name}", n + 1, max(total, n + 1)))
    if camera is None or not np.isfinite(points).any():
        raise NoFaceError(f"{source}: no face in any of its {len(kept)} frames")
    image_size = [camera.width, camera.height]
    return {"frames": np.array(kept), "points": np.stack(points), "image_size": image_size}


def _cropped(
    source: str | Path,
    frames: list[int],
    points: NDArray[np.float32],
    camera: Camera,
    size: int,
    mask: NDArray[np.bool_] | None,
) -> CameraRecording:
    """Reads the source again: all of a recording's frames at once may not fit into memory."""
    seen = points[np.isfinite(points).all((1, 2))].reshape(-1, 2)
    low, high = np.quantile(seen, 0.001, axis=0), np.quantile(seen, 0.999, axis=0)
    side = float((high - low).max() * (1 + 2 * _MARGIN))
    left, top = ((low + high) / 2 - side / 2).tolist()
    crop = FaceCrop(camera, left, top, side)
    images, times = read_crops(source, crop, frames, size)
    moved = ((points - np.array([left, top])) * (size / side)).astype(np.float32)
    masks = None
    if mask is not None:
        grey = np.repeat(np.uint8(255) * mask[..., None], 3, 2)
        cut = cut_square(undistort(grey, lens_map(camera)), crop, size)[..., 0] > 127
        masks = np.repeat(cut[None], len(images), 0)
    origin = SourceFrames(Path(source).name, crop, np.array(frames, np.int64), times)
    return CameraRecording(images, times, crop.view(size), masks, moved, origin)
