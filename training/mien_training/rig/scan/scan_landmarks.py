"""Where the tracker's points sit on a scan: render it, track the render, see what lies behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.tracker import Tracker
from mien_training.cameras.camera import Camera, look_at_camera
from mien_training.footage.scanned.scan import UNITS, Scan
from mien_training.geometry.alignment import Alignment, fit_alignment
from mien_training.head import Template
from mien_training.head.landmark_sets import FACE_OVAL, LANDMARK_COUNT, SKIN_LANDMARK_COUNT
from mien_training.rig.scan.render_scan import render_scan

__all__ = ["ScanLandmarks", "find_landmarks", "usable_landmarks"]

Float64Array = NDArray[np.float64]

_SIDE = 640
_DISTANCE_M, _FOV = 1.6, 0.17
"""As the template is rendered for its own points: the same view has the same bias."""
_YAWS = (0.0, -0.35, 0.35, -0.6, 0.6)
_FIRST_SIDE = 320
_FEWEST = 50
"""Points that a place is read from."""
_SURE_M, _MISFIT_M = 0.006, 0.008
"""Median misfit of a mean head to the points of a true face: no need to go on; and the most."""
_UNIT_TOLERANCE = 1.2
"""Faces are larger or smaller than the mean by no more than this factor."""
_SPREAD_M = 0.003
"""Points that views put this far apart count by exp(-1)."""
_OVAL_CONFIDENCE = 0.1
"""The outline runs where the surface turns away: another place for every head and view."""


@dataclass(frozen=True, eq=False)
class ScanLandmarks:
    """A scan whose face has been found."""

    scan: Scan
    """With its texture the right way up and its unit known or measured."""
    points: Float64Array
    """(478, 3) on the surface, the scan's unit and axes; NaN where no view shows it."""
    confidence: Float64Array
    """(478,) 0..1; of agreement between views, low along the outline."""
    rig_from_scan: Alignment
    """Similarity that brings the scan onto the template's mean head."""
    texture_flipped: bool
    """Whether the file's texture coordinates ran from the bottom, against its format's rule."""
    size_is_guessed: bool
    """The unit fits no known one: the scan is taken to be as large as the template's mean."""

    def state(self) -> dict[str, Any]:
        """Plain values for a checkpoint; the scan itself is not among them."""
        return {
            "points": self.points, "confidence": self.confidence,
            "rig_from_scan": asdict(self.rig_from_scan),
            "metres_per_unit": self.scan.metres_per_unit,
            "texture_flipped": self.texture_flipped, "size_is_guessed": self.size_is_guessed,
        }  # fmt: skip

    @classmethod
    def of_state(cls, state: dict[str, Any], scan: Scan) -> ScanLandmarks:
        """What `state` returned, of the same scan as read from its file."""
        chosen = scan.flipped() if state["texture_flipped"] else scan
        placed = state["rig_from_scan"]
        turn, shift = (np.asarray(placed[name]) for name in ("rotation", "translation"))
        return cls(
            replace(chosen, metres_per_unit=state["metres_per_unit"]),
            np.asarray(state["points"]), np.asarray(state["confidence"]),
            Alignment(turn, shift, placed["scale"]),
            state["texture_flipped"], state["size_is_guessed"],
        )  # fmt: skip


_STILL = Alignment(np.eye(3), np.zeros(3))


def usable_landmarks(template: Template) -> Float64Array:
    """(478, 3) the template's own points, rig space; InputError if it has too few."""
    points = template.landmarks.positions(template.vertices, template.triangles)
    if np.isfinite(points).all(1).sum() < _FEWEST:
        raise InputError(f"template {template.name!r} has no landmarks to register a scan by")
    return points.astype(np.float64)


def find_landmarks(
    scan: Scan, template: Template, flip_texture: bool | None = None
) -> ScanLandmarks:
    """The tracker's points on the surface of a scan that stands in any way and unit.

    The first views go along the axes with the head up as in glTF, then any other way up; the
    next ones show the face as the template was seen, straight from the front, and from four sides.

    flip_texture: turn the texture's coordinates upside down. None decides by the tracker: unlit,
        only the right way up is a face. A unit that the scan does not state is the known one
        (metres, centimetres, millimetres, inches) that makes the face of human size, if any.

    Raises InputError where the tracker sees no face from any side.
    """
    landmark_points = usable_landmarks(template)
    chosen = scan.flipped() if flip_texture else scan
    views = _ScanViews(template, landmark_points)
    placed = views.first(chosen)
    placed = views.again(chosen, placed)
    _metres_per_unit(chosen, placed.scale)  # refused early, if so
    if flip_texture is None and scan.texture is not None:
        other = scan.flipped()
        if views.presence(other, placed) > views.presence(scan, placed):
            chosen = other
    placed = views.again(chosen, views.again(chosen, placed))
    points, confidence = views.around(chosen, placed)
    metres, guessed = _metres_per_unit(chosen, placed.scale)
    return ScanLandmarks(
        replace(chosen, metres_per_unit=metres), points, confidence, placed,
        chosen is not scan, guessed,
    )  # fmt: skip


def _metres_per_unit(scan: Scan, scale: float) -> tuple[float, bool]:
    """Stated, or the known unit nearest to `scale`, or (scale, True)."""
    if scan.metres_per_unit is not None:
        if not 1 / 1.6 < scan.metres_per_unit / scale < 1.6:
            raise InputError(
                f"scan {scan.source}: in units of {scan.metres_per_unit:g} m its face is "
                f"{scan.metres_per_unit / scale:.3g} times as large as a person's; expected "
                f"about {scale:.3g} m per unit"
            )
        return scan.metres_per_unit, False
    nearest = min(UNITS.values(), key=lambda unit: abs(np.log(unit / scale)))
    if abs(np.log(nearest / scale)) < np.log(_UNIT_TOLERANCE):
        return nearest, False
    return scale, True


class _ScanViews:
    """Images of a scan, and the template's points found in them."""

    def __init__(self, template: Template, landmark_points: Float64Array) -> None:
        self.landmark_points = landmark_points
        self.target = template.vertices[template.regions["eyes"]].mean(0) - [0, 0.03, 0.02]
        self.known = np.isfinite(landmark_points).all(1)
        self.known &= np.arange(LANDMARK_COUNT) < SKIN_LANDMARK_COUNT
        self.inner = self.known & ~np.isin(np.arange(LANDMARK_COUNT), FACE_OVAL)

    def camera(self, yaw: float) -> Camera:
        """In front of a head in rig space, turned about it."""
        towards = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        return look_at_camera(self.target + _DISTANCE_M * towards, self.target, _FOV, _SIDE, _SIDE)

    def first(self, scan: Scan) -> Alignment:
        """rig_from_scan from the first view along an axis that shows a face."""
        low, high = np.quantile(scan.vertices, [0.002, 0.998], axis=0)
        middle, reach = (low + high) / 2, float(np.linalg.norm(high - low))
        best: tuple[float, Alignment] | None = None
        for towards, ups in _ways():
            for up in ups:
                camera = look_at_camera(
                    middle + 4 * reach * towards, middle, 0.26, _FIRST_SIDE, _FIRST_SIDE, up
                )
                seen = self._see(scan, _STILL, camera)
                if seen is None:
                    continue
                points, _, there = seen
                use = there & self.inner
                if use.sum() < _FEWEST:
                    continue
                rig_from_scan = fit_alignment(points[use], self.landmark_points[use], "similarity")
                gap = np.linalg.norm(
                    rig_from_scan.points(points[use]) - self.landmark_points[use], axis=1
                )
                misfit = float(np.median(gap))
                if best is None or misfit < best[0]:
                    best = misfit, rig_from_scan
            # Not before all four: a face on its head is taken for one, too, but fits worse.
            if best is not None and best[0] < _SURE_M:
                break
        if best is None or best[0] > _MISFIT_M:
            raise InputError(
                f"scan {scan.source}: the tracker sees no face from any side; expected a head with "
                "a texture or vertex colours, or a clean surface"
            )
        return best[1]

    def again(self, scan: Scan, rig_from_scan: Alignment) -> Alignment:
        """The alignment from a view straight from the front."""
        seen = self._see(scan, rig_from_scan, self.camera(0.0))
        if seen is None:
            return rig_from_scan
        points, _, there = seen
        use = there & self.inner
        if use.sum() < _FEWEST:
            return rig_from_scan
        more = fit_alignment(points[use], self.landmark_points[use], "similarity")
        return Alignment(
            more.rotation @ rig_from_scan.rotation,
            more.points(rig_from_scan.translation),
            more.scale * rig_from_scan.scale,
        )

    def presence(self, scan: Scan, rig_from_scan: Alignment) -> float:
        """Mean confidence of the tracker, 0..1, before the colours alone."""
        total = 0.0
        for yaw in _YAWS[:3]:
            camera = self.camera(yaw).resized(_SIDE // 2, _SIDE // 2)
            render = render_scan(scan, rig_from_scan, camera, lit=False)
            faces = Tracker().track(render.image)
            total += faces[0].presence if faces else 0.0
        return total / 3

    def around(self, scan: Scan, rig_from_scan: Alignment) -> tuple[Float64Array, Float64Array]:
        """Points, scan's space, and confidence from all views together."""
        points, weights = np.zeros((len(_YAWS), 478, 3)), np.zeros((len(_YAWS), 478))
        for k, yaw in enumerate(_YAWS):
            camera = self.camera(yaw)
            seen = self._see(scan, rig_from_scan, camera)
            if seen is None:
                continue
            points[k], normals, there = seen
            towards = camera.centre - points[k]
            towards /= np.linalg.norm(towards, axis=1, keepdims=True)
            cosine = np.einsum("lx,lx->l", normals, towards).clip(0, 1)
            # The template was seen from the front: that view has its bias.
            weights[k] = there * cosine**2 * np.cos(yaw) ** 4
        total = weights.sum(0)
        middle = np.einsum("kl,klx->lx", weights, points) / np.maximum(total, 1e-9)[:, None]
        square = np.square(points - middle).sum(2)
        spread = (weights * square).sum(0) / np.maximum(total, 1e-9)
        confidence = total.clip(0, 1) * np.exp(-spread / _SPREAD_M**2) * self.known
        confidence[list(FACE_OVAL)] *= _OVAL_CONFIDENCE
        back = np.linalg.inv(rig_from_scan.rotation) / rig_from_scan.scale
        found = (middle - rig_from_scan.translation) @ back.T
        found[total < 1e-3] = np.nan
        confidence[total < 1e-3] = 0
        return found, confidence

    def _see(
        self, scan: Scan, rig_from_scan: Alignment, camera: Camera
    ) -> tuple[Float64Array, Float64Array, NDArray[np.bool_]] | None:
        """Points and normals under the tracker's points; None where it sees no face."""
        render = render_scan(scan, rig_from_scan, camera)
        faces = Tracker().track(render.image)
        if not faces or not np.isfinite(render.points).any():
            return None
        return render.under(faces[0].landmarks[:, :2].astype(np.float64))


def _ways() -> Iterator[tuple[Float64Array, list[Float64Array]]]:
    """(towards the camera, ways up): the usual one first, all along the axes, some in between."""
    x, y, z = (np.array(axis, float) for axis in np.eye(3))
    signed = [sign * axis for axis in (z, y, x) for sign in (1.0, -1.0)]
    for towards in signed:
        yield towards, [up for up in (y, z, x, -y, -z, -x) if abs(towards @ up) < 0.5]
    for signs in product((-1.0, 0.0, 1.0), repeat=3):
        towards = np.array(signs)
        if np.count_nonzero(towards) > 1:
            up = y if signs[0] or signs[2] else z
            yield towards / np.linalg.norm(towards), [up, -up]
