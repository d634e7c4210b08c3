"""How heads look: colour transfer, lights, and the skin-like shading model, in linear light.

`shade` is the reference in torch, differentiable in everything; `raster_kernels.shade_kernel`
computes the same for the fast forward path, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError
from mien.rig import Material

__all__ = [
    "LINEAR_OF_SRGB8",
    "SRGB8_OF_ROOT",
    "Lighting", "linear_from_srgb", "shade", "studio_lighting",
    "surface_parameters",
]  # fmt: skip

FloatArray = NDArray[np.float32]

WRAP = {
    "skin": (0.30, 0.16, 0.11),
    "eye": (0.25, 0.25, 0.25),
    "teeth": (0.30, 0.26, 0.20),
    "mouth": (0.40, 0.15, 0.12),
    "tongue": (0.40, 0.18, 0.14),
}
"""How far each colour of light reaches past the terminator: red scatters furthest in flesh."""

DIELECTRIC_F0 = 0.04
"""Reflectance at normal incidence of every non-metal, as in glTF's material model."""


@dataclass(frozen=True, eq=False)
class Lighting:
    """Directional lights and a sky-to-ground ambient term, all in world space and linear light.

    A light of colour 1 makes a white surface that faces it exactly 1.
    """

    directions: FloatArray
    """(L, 3) unit vectors from the head towards each light."""
    colours: FloatArray
    """(L, 3) linear RGB, >= 0."""
    ambient_up: tuple[float, float, float] = (0.35, 0.37, 0.40)
    """Light from straight above, linear RGB."""
    ambient_down: tuple[float, float, float] = (0.20, 0.18, 0.17)
    """Light from straight below, linear RGB."""

    def __post_init__(self) -> None:
        if self.directions.shape != self.colours.shape or self.directions.shape[1:] != (3,):
            raise InputError(
                f"Lighting: directions {self.directions.shape} and colours {self.colours.shape}, "
                "expected (L, 3) both"
            )


def studio_lighting(intensity: float = 1.0) -> Lighting:
    """A warm key from the upper left, a cool fill from the right, a rim from behind."""
    d = np.array([(-0.55, 0.55, 0.75), (0.8, 0.1, 0.6), (0.5, 0.6, -0.7)], np.float32)
    c = np.array([(0.82, 0.77, 0.70), (0.20, 0.23, 0.28), (0.35, 0.38, 0.42)], np.float32)
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    up, down = np.array((0.26, 0.28, 0.31)), np.array((0.14, 0.12, 0.11))
    return Lighting(
        d,
        c * np.float32(intensity),
        tuple((up * intensity).tolist()),
        tuple((down * intensity).tolist()),
    )


def _shoulder(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Identity up to 0.7, then a smooth approach to 1, so that highlights keep their shape."""
    knee = 0.7
    rest = 1.0 - knee
    return np.where(x < knee, x, knee + rest * (1.0 - np.exp(-(np.maximum(x, knee) - knee) / rest)))


def _linear_table() -> FloatArray:
    x = np.arange(256) / 255.0
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _srgb_table() -> NDArray[np.uint8]:
    # 4096 steps of the square root: fine in the shadows, where the curve is steep.
    linear = _shoulder((np.arange(4096) / 4095.0 * 2.0) ** 2)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(encoded.clip(0, 1) * 255), np.uint8)


LINEAR_OF_SRGB8 = _linear_table()
"""(256,) linear light of each 8-bit sRGB code."""
SRGB8_OF_ROOT = _srgb_table()
"""(4096,) 8-bit sRGB with the shoulder, indexed by the square root of linear light, 0..2."""


def linear_from_srgb(image: NDArray[np.uint8]) -> FloatArray:
    """8-bit sRGB of any shape -> linear light in 0..1."""
    return LINEAR_OF_SRGB8[image]


@dataclass(frozen=True)
class SurfaceParameters:
    """The numbers that `shade` takes of one material."""

    shininess: float
    """Blinn-Phong exponent that matches glTF's roughness."""
    f0: float
    """Reflectance at normal incidence."""
    gloss: float
    """Factor of the specular lobe."""
    wrap: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0))
    """Reach of the diffuse term past the terminator, per colour."""


def surface_parameters(material: Material) -> SurfaceParameters:
    """Shading numbers of a material: its roughness, and flesh-like scattering by its name."""
    alpha = min(max(material.roughness, 0.15), 0.97) ** 2
    return SurfaceParameters(
        2.0 / alpha**2 - 2.0, DIELECTRIC_F0, 1.0, WRAP.get(material.name, (0.0, 0.0, 0.0))
    )


def wrapped_diffuse(ndl: torch.Tensor, wrap: torch.Tensor) -> torch.Tensor:
    """Lambert's cosine that reaches `wrap` past the terminator and fades there without an edge.

    The positive part of (ndl + wrap) / (1 + wrap), rounded off by a hyperbola; exact for wrap 0.
    """
    x = (ndl + wrap) / (1 + wrap)
    return 0.5 * (x + torch.sqrt(x * x + (0.5 * wrap) ** 2 + 1e-12))


def shade(
    albedo: torch.Tensor,
    position: torch.Tensor,
    normal: torch.Tensor,
    ambient_occlusion: torch.Tensor,
    camera_centre: torch.Tensor,
    surface: SurfaceParameters,
    lighting: Lighting,
) -> torch.Tensor:
    """(..., 3) linear light that leaves surface points towards the camera.

    albedo: (..., 3) linear; position: (..., 3) world, metres; normal: (..., 3), any length;
    ambient_occlusion: (...) 1 where nothing hides the sky, 0 in closed cavities;
    camera_centre: (3,).
    Wrapped diffuse per colour, Blinn-Phong specular with Schlick's Fresnel, hemisphere ambient.
    """
    n = torch.nn.functional.normalize(normal, dim=-1)
    view = torch.nn.functional.normalize(camera_centre - position, dim=-1)
    wrap = albedo.new_tensor(surface.wrap)
    sky = ambient_occlusion[..., None]
    up = 0.5 + 0.5 * n[..., 1:2]
    diffuse = sky * (
        up * albedo.new_tensor(lighting.ambient_up)
        + (1 - up) * albedo.new_tensor(lighting.ambient_down)
    )
    gloss = torch.zeros_like(diffuse)
    shadow = 0.25 + 0.75 * sky
    for direction, colour in zip(lighting.directions, lighting.colours, strict=True):
        light, c = albedo.new_tensor(direction.tolist()), albedo.new_tensor(colour.tolist())
        ndl = (n * light).sum(-1, keepdim=True)
        diffuse = diffuse + shadow * wrapped_diffuse(ndl, wrap) * c
        half = torch.nn.functional.normalize(light + view, dim=-1)
        facing = (n * half).sum(-1, keepdim=True).clamp(min=0)
        grazing = 1 - (half * view).sum(-1, keepdim=True).clamp(min=0)
        fresnel = surface.f0 + (1 - surface.f0) * grazing**5
        lobe = (surface.shininess + 2) * 0.125 * facing**surface.shininess
        gloss = gloss + shadow * fresnel * lobe * ndl.clamp(min=0) * c
    return albedo * diffuse + surface.gloss * gloss
