"""What each camera of a rig makes of light: no two of them agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mien.errors import InputError

__all__ = ["CameraResponse", "ResponseSpec", "draw_responses"]

ImageArray = NDArray[np.uint8]

_MOST = {"gain": 1, "white_balance": 1, "tone": 1, "blur_px": 20, "noise": 50}
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class ResponseSpec:
    """How cameras differ."""

    colour: Literal["colour", "grey", "any"] = "colour"
    """Images of three channels or of one; any: of three, grey in half of the rigs."""
    gain: float = 0.15
    """Standard deviation of the logarithm of each camera's gain."""
    white_balance: float = 0.06
    """Standard deviation of the logarithm of red's and blue's share against green's."""
    tone: float = 0.10
    """Standard deviation of the logarithm of the exponent of each camera's tone curve."""
    blur_px: float = 0.8
    """Greatest standard deviation of a lens's blur, pixels."""
    noise: float = 5.0
    """Greatest standard deviation of noise at full light, 8-bit codes; less in the dark."""

    def __post_init__(self) -> None:
        if self.colour not in ("colour", "grey", "any"):
            raise InputError(f"ResponseSpec: colour {self.colour!r}, expected colour, grey or any")
        for name, most in _MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise InputError(
                    f"ResponseSpec: {name} {getattr(self, name)}, expected 0 to {most}"
                )


@dataclass(frozen=True, eq=False)
class CameraResponse:
    """One camera's, the same in every moment but for where its noise lies."""

    curves: NDArray[np.uint8]
    """(3, 256) sRGB code of each colour -> code delivered: gain, white balance and tone."""
    blur_px: float
    noise: float
    """Standard deviation at full light, codes."""
    grey: bool

    def apply(self, image: ImageArray, rng: np.random.Generator) -> ImageArray:
        """(H, W, 3) sRGB as this camera delivers it: (H, W, 3), all channels alike if it is grey.

        Blur of the lens, response, then noise, of which a quarter is there without light.
        """
        soft = Image.fromarray(image)
        if self.blur_px > 0.15:
            soft = soft.filter(ImageFilter.GaussianBlur(self.blur_px))
        pixels = np.asarray(soft)
        toned = np.stack([self.curves[c].take(pixels[..., c]) for c in range(3)], -1)
        if self.grey:
            toned = np.rint(toned @ _LUMINANCE)[..., None].astype(np.uint8)
        if self.noise > 0:
            sigma = self.noise * np.sqrt(0.0625 + 0.9375 / 255 * np.arange(256))
            light = sigma.astype(np.float32).take(toned)
            light *= rng.standard_normal(light.shape, np.float32)
            light += toned
            toned = np.rint(light, out=light).clip(0, 255, out=light).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(toned, (*toned.shape[:2], 3)))


def draw_responses(spec: ResponseSpec, count: int, seed: int) -> tuple[CameraResponse, ...]:
    """Of the cameras of one rig: all grey or none, all else of each its own."""
    grey = bool(np.random.default_rng((seed, 90)).random() < 0.5)
    grey = spec.colour == "grey" or (spec.colour == "any" and grey)
    return tuple(_draw(spec, grey, np.random.default_rng((seed, 91, c))) for c in range(count))


def _draw(spec: ResponseSpec, grey: bool, rng: np.random.Generator) -> CameraResponse:
    balance = np.exp(spec.white_balance * rng.standard_normal(3) * (1, 0, 1))
    gain = np.exp(spec.gain * rng.standard_normal())
    exponent = np.exp(spec.tone * rng.standard_normal())
    # A gain of linear light is one of codes, but for sRGB's exponent of about 2.2.
    factors = (gain * balance) ** (1 / 2.2)
    levels = 255.0 * np.minimum(factors[:, None] * (np.arange(256) / 255.0), 1.0) ** exponent
    return CameraResponse(
        np.rint(levels).astype(np.uint8),
        float(max(0.0, rng.uniform(-0.5, 1.0)) * spec.blur_px),
        float(rng.uniform(0.0, 1.0) * spec.noise),
        grey,
    )
