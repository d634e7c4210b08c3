"""Whether images show the person that a rig was made of: by the pattern of their skin.

Blendshapes let almost any head follow anybody's landmarks, so geometry hardly tells. Brows, lips,
shadows of a beard, moles do: the fine colour of the images, laid on the rig's face, correlates with
the rig's texture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.detail.fit.skin_light import SkinLight
from mien_training.head import Template
from mien_training.rendering.bake import TexelMap
from mien_training.rendering.shading import linear_from_srgb

__all__ = ["LEAST_LIKENESS", "likeness", "texture_on_atlas"]

LEAST_LIKENESS = 0.6
"""Measured on clips of two real men: 0.66 and more between clips of one, 0.57 and less of two."""
_FINE, _COARSE = 0.016, 0.094
"""Of the patterns that are compared, shares of the atlas's side: 3 to 17 mm."""
_SEEN = 1.5
"""Frames' worth of evidence from which on a texel counts."""


def likeness(
    person: Template, texture: NDArray[np.uint8], skin: ObservedSkin, light: SkinLight
) -> float:
    """Correlation, -1 to 1, of the images' own colour with the rig's `texture` (S, S, 3) where the
    face was seen; 1 where nothing was."""
    texels = skin.texels
    evidence = skin.weight.sum(0).numpy()
    seen = evidence > min(_SEEN, 0.5 * float(evidence.max(initial=0.0)))
    if seen.sum() < 50:
        return 1.0
    known = texture_on_atlas(person, texture, texels)

    def pattern(values: NDArray[np.floating]) -> NDArray[np.float64]:
        image, mask = np.zeros(texels.size**2), np.zeros(texels.size**2)
        image[texels.texel], mask[texels.texel] = values * seen, seen
        levels = []
        for share in (_FINE, _COARSE):
            both = [
                ndimage.gaussian_filter(a.reshape(texels.size, -1), share * texels.size)
                for a in (image, mask)
            ]
            levels.append((both[0] / np.maximum(both[1], 1e-3)).ravel()[texels.texel][seen])
        return np.asarray(levels[0] - levels[1])

    a, b = pattern(light.log_albedo.numpy()), pattern(known)
    if min(a.std(), b.std()) < 1e-6:
        return 1.0  # a face without any pattern is like every other
    return float(np.corrcoef(a, b)[0, 1])


def texture_on_atlas(
    person: Template, texture: NDArray[np.uint8], texels: TexelMap
) -> NDArray[np.float64]:
    """(N,) log luminance of the rig's `texture` at the atlas's texels."""
    colours = _on_texture(person, texels.corners, texels.bary, texture)
    return np.asarray(np.log(np.maximum(colours @ (0.2126, 0.7152, 0.0722), 1e-3)))


def _on_texture(
    person: Template, corners: NDArray[np.int32], bary: NDArray[np.float32],
    texture: NDArray[np.uint8],
) -> NDArray[np.float64]:  # fmt: skip
    """(N, 3) linear colours of the texture at places of the mesh; any corner's first UV counts."""
    first = np.zeros(len(person.vertices), np.int64)
    first[person.triangles.ravel()[::-1]] = person.uv_triangles.ravel()[::-1]
    uv = (person.uvs[first[corners]] * bary[..., None]).sum(1)
    linear, side = linear_from_srgb(texture), texture.shape[0]
    at = [uv[:, 1] * side - 0.5, uv[:, 0] * side - 0.5]
    channels = [ndimage.map_coordinates(linear[..., c], at, order=1) for c in range(3)]
    return np.asarray(np.stack(channels, 1), np.float64)
