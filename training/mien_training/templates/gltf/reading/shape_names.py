"""Which morph targets make which of ARKit's shapes, however a tool spells their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mien.channels import ARKIT_CHANNELS, SPLIT_CHANNELS

__all__ = ["named_channels"]

_PREFIXES = ("arkit", "blendshape", "blendshapes", "bs", "exp", "face", "head", "morph", "shape")
"""What tools put before a name with an underscore, numbers left out."""
_SIDE = re.compile(r"(?:[._\s-]+(?=.$)|(?<=[a-z])(?=[LR]))([LlRr])$")
"""A letter after a separator, or a capital one after a small one: not the r of `...Upper`."""
_WHOLE = {name.lower(): name for name in ARKIT_CHANNELS}
_HALF = {
    f"{name.lower()}{side}": (name, side) for name in SPLIT_CHANNELS for side in ("left", "right")
}


def named_channels(
    targets: Sequence[str], given: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[int]]:
    """Channel of ARKIT_CHANNELS -> numbers of the targets whose sum it is.

    Upper and lower case, `_L` for `Left`, separators and what stands before a name (a mesh or
    deformer with `.`, `:` or `|`, a known word with `_`) do not matter. Halves of one shape
    (`browInnerUp_L` and `_R`) add up to it where the whole is not there; of two spellings of one
    shape the first counts. `given` says it instead: channel -> names of targets.

    >>> named_channels(["blendShape1.mouthSmile_L", "viseme_aa", "Jaw_Open"])
    {'mouthSmileLeft': [0], 'jawOpen': [2]}
    """
    found: dict[str, list[int]] = {}
    halves: dict[str, dict[str, int]] = {}
    for channel, wanted in (given or {}).items():
        rows = [k for k, name in enumerate(targets) if name in wanted]
        if rows:
            found[channel] = rows
    for k, name in enumerate(targets):
        key = _key(name)
        if key in _WHOLE:
            found.setdefault(_WHOLE[key], [k])
        elif key in _HALF:
            channel, side = _HALF[key]
            halves.setdefault(channel, {}).setdefault(side, k)
    for channel, sides in halves.items():
        found.setdefault(channel, sorted(sides.values()))
    return found


def _key(name: str) -> str:
    """The name without its prefixes in lower case: `head.Eye_Blink_L` -> `eyeblinkleft`."""
    sided = _SIDE.sub(lambda m: "Left" if m[1] in "Ll" else "Right", name.strip())
    words = re.split(r"[\W_]+", re.split(r"[.:|/]", sided)[-1].lower())
    while len(words) > 1 and words[0].rstrip("0123456789") in _PREFIXES:
        words = words[1:]
    return "".join(words)
