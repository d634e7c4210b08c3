"""Splats to an image, on the CPU, numpy in and numpy out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar.pinhole import PinholeCamera, camera_arrays
from mien.avatar.splats import Splats
from mien.errors import InputError

__all__ = ["LARGEST_SIDE", "draw_splats"]

LARGEST_SIDE = 8192
"""Of an image, pixels."""


def draw_splats(
    splats: Splats, camera: PinholeCamera, width: int, height: int
) -> NDArray[np.float32]:
    """(height, width, 4) premultiplied RGB and coverage, as sRGB display codes over 255.

    Over a background, of the same codes: `image[..., :3] + (1 - image[..., 3:]) * background`.
    Colours are blended as display codes, as glTF's KHR_gaussian_splatting does it where its
    `colorSpace` is srgb_rec709_display. The splats lie in the camera's world. Runs in the calling
    thread alone, and in several at once. The first call on a machine compiles for some seconds.

    Raises InputError for an image without pixels or with a side above 8192, and for cameras with
    skew or distortion; MissingExtraError without the extra `avatar`.

    >>> import numpy as np
    >>> from mien.avatar import Pinhole, Splats, draw_splats
    >>> one = Splats([[0, 0, 1]], [[0, 0, 0, 1]], [[0.1] * 3], [0.5], [[1.0, 0.5, 0.0]])
    >>> camera = Pinhole(np.array([[20.0, 0, 4.5], [0, 20, 4.5], [0, 0, 1]]), np.eye(4))
    >>> draw_splats(one, camera, 9, 9)[4, 4].round(3).tolist()
    [0.5, 0.25, 0.0, 0.5]
    """
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise InputError(
            f"draw_splats: image of {width} x {height} pixels, expected 1..{LARGEST_SIDE} each way"
        )
    poses, lenses = camera_arrays([camera])
    from mien.avatar.splat_pipeline import Cloud, blend, tiled
    from mien.avatar.warp_start import wp

    image: NDArray[np.float32] = np.empty((1, height, width, 4), np.float32)

    def array(values: NDArray[np.float32], dtype: Any) -> Any:
        return wp.array(values, dtype=dtype, device="cpu", copy=False)

    cloud = Cloud(
        (height, width),
        array(splats.means[None], wp.vec3),
        array(splats.rotations[None], wp.vec4),
        array(splats.scales[None], wp.vec3),
        array(splats.opacities[None], float),
        array(splats.colours[None], wp.vec3),
        array(poses, wp.mat44),
        array(lenses, wp.vec4),
    )
    no_depth = wp.empty((1, 0, 0), dtype=float, device="cpu")
    no_last = wp.empty((1, 0, 0), dtype=int, device="cpu")
    blend(tiled(cloud), array(image, wp.vec4), no_depth, no_last)
    np.subtract(1.0, image[..., 3], out=image[..., 3])
    return np.asarray(image[0])
