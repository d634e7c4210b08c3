"""A picture of an avatar, which says of itself that it is no photograph."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.atomic import write_atomically
from mien.errors import InputError

__all__ = ["DIGITAL_SOURCE_TYPE", "AvatarImage", "is_marked"]

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's word for pictures that a trained model has made."""
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" Iptc4xmpExt:DigitalSourceType="{source}">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{mark}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
_XMP_KEY = "XML:com.adobe.xmp"


@dataclass(frozen=True, eq=False)
class AvatarImage:
    """One picture, cut out of its background."""

    premultiplied: NDArray[np.float32]
    """(H, W, 4) light, already times coverage, and coverage; sRGB display codes over 255."""
    mark: str
    """What the picture must say of itself, wherever it goes."""

    @cached_property
    def rgba(self) -> NDArray[np.uint8]:
        """(H, W, 4) display codes, not multiplied by coverage, as PNG has them."""
        cover = self.premultiplied[..., 3:]
        codes = self.premultiplied[..., :3] / np.maximum(cover, 1e-6)
        both = np.concatenate([codes, cover], -1)
        return np.asarray(np.rint(255 * both.clip(0, 1)), np.uint8)

    def over(self, background: ArrayLike) -> NDArray[np.uint8]:
        """(H, W, 3) before a background of display codes, (3,) or (H, W, 3) uint8."""
        behind = np.asarray(background)
        if behind.dtype != np.uint8 and behind.dtype.kind not in "iu":
            raise InputError(f"AvatarImage.over: background is {behind.dtype}, expected uint8")
        light, cover = self.premultiplied[..., :3], self.premultiplied[..., 3:]
        if behind.shape not in ((3,), light.shape):
            raise InputError(
                f"AvatarImage.over: background {behind.shape}, expected (3,) or {light.shape}"
            )
        codes = 255 * light + (1 - cover) * behind.astype(np.float32)
        return np.asarray(np.rint(codes.clip(0, 255)), np.uint8)

    def png(self) -> bytes:
        """A PNG with the mark in its metadata, as XMP, which picture libraries read, and text."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("Description", self.mark)
        info.add_text("DigitalSourceType", DIGITAL_SOURCE_TYPE)
        info.add_text("Software", "mien")
        xmp = _XMP.format(source=DIGITAL_SOURCE_TYPE, mark=escape(self.mark))
        info.add_itxt(_XMP_KEY, xmp)
        buffer = io.BytesIO()
        Image.fromarray(self.rgba).save(buffer, "PNG", pnginfo=info)
        return buffer.getvalue()

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the PNG, whole or not at all; its path. Raises InputError for another suffix."""
        if Path(path).suffix.lower() != ".png":
            raise InputError(f"AvatarImage.write: {str(path)!r}, expected a name ending in .png")
        return write_atomically(path, self.png())


def is_marked(png: bytes) -> bool:
    """Whether a PNG says that a trained model has made it."""
    from PIL import Image

    with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        return DIGITAL_SOURCE_TYPE in str(image.info.get(_XMP_KEY, ""))
