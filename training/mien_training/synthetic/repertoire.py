"""What faces do: expressions, mouth shapes of speech, companions, resting values, as tables.

Written from the FACS literature (Ekman and Friesen: which action units make an expression) and
the meaning of ARKit's channels; ranges are shares of full strength.
"""

from __future__ import annotations

from typing import TypeVar

__all__ = ["EXPRESSIONS", "LEAKS", "OFTEN", "OPPOSED", "RESTING", "VISEMES"]

Value = TypeVar("Value")
Ranges = dict[str, tuple[float, float]]


def _both(**values: Value) -> dict[str, Value]:
    """Names that end in `_` stand for their Left and Right channels."""
    out: dict[str, Value] = {}
    for name, value in values.items():
        for channel in (name[:-1] + "Left", name[:-1] + "Right") if name.endswith("_") else (name,):
            out[channel] = value
    return out


_PAIRED = frozenset((
    "browDown", "browOuterUp", "cheekSquint", "eyeBlink", "eyeLookDown", "eyeSquint", "eyeWide",
    "mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch",
    "mouthUpperUp", "noseSneer",
))  # fmt: skip


def _each_side(table: dict[str, Ranges]) -> dict[str, Ranges]:
    """The same companions on the left and on the right, each on its own side."""
    return {
        name + side: {
            other + side if other in _PAIRED else other: span for other, span in companions.items()
        }
        for side in ("Left", "Right")
        for name, companions in table.items()
    }


EXPRESSIONS: dict[str, Ranges] = {
    "smile": _both(mouthSmile_=(0.6, 1), cheekSquint_=(0.2, 0.7), eyeSquint_=(0.1, 0.5)),
    "laugh": _both(mouthSmile_=(0.7, 1), jawOpen=(0.2, 0.6), cheekSquint_=(0.4, 0.9),
                   eyeSquint_=(0.3, 0.7), mouthUpperUp_=(0.2, 0.5), mouthLowerDown_=(0.2, 0.5)),
    "grin": _both(mouthSmile_=(0.5, 1), mouthStretch_=(0.2, 0.6), mouthUpperUp_=(0.3, 0.7),
                  mouthLowerDown_=(0.3, 0.7)),
    "closed smile": _both(mouthSmile_=(0.3, 0.7), mouthPress_=(0.2, 0.6), mouthDimple_=(0.1, 0.5)),
    "sneer": _both(noseSneer_=(0.6, 1), mouthUpperUp_=(0.3, 0.8), browDown_=(0.1, 0.5)),
    "disgust": _both(noseSneer_=(0.5, 1), mouthUpperUp_=(0.4, 0.9), browDown_=(0.3, 0.8),
                     eyeSquint_=(0.2, 0.6), mouthShrugLower=(0.1, 0.5), mouthFrown_=(0.1, 0.5)),
    "anger": _both(browDown_=(0.6, 1), eyeSquint_=(0.2, 0.6), mouthPress_=(0.2, 0.7),
                   noseSneer_=(0.1, 0.5), jawForward=(0, 0.4), mouthShrugUpper=(0, 0.4)),
    "snarl": _both(browDown_=(0.5, 1), mouthUpperUp_=(0.5, 1), mouthLowerDown_=(0.4, 0.9),
                   noseSneer_=(0.5, 1), jawOpen=(0.1, 0.4), mouthStretch_=(0.1, 0.4)),
    "surprise": _both(browInnerUp=(0.6, 1), browOuterUp_=(0.5, 1), eyeWide_=(0.3, 0.9),
                      jawOpen=(0.2, 0.8)),
    "fear": _both(browInnerUp=(0.6, 1), browOuterUp_=(0.2, 0.5), eyeWide_=(0.4, 0.9),
                  mouthStretch_=(0.4, 0.9), jawOpen=(0.05, 0.3), mouthLowerDown_=(0.1, 0.5)),
    "sadness": _both(browInnerUp=(0.4, 0.9), mouthFrown_=(0.4, 0.9), mouthShrugLower=(0.2, 0.6),
                     eyeSquint_=(0, 0.3)),
    "pout": _both(mouthShrugLower=(0.5, 1), mouthShrugUpper=(0.3, 0.8), mouthFrown_=(0.2, 0.6),
                  mouthPucker=(0, 0.4)),
    "kiss": _both(mouthPucker=(0.6, 1), mouthFunnel=(0, 0.3)),
    "trumpet": _both(mouthFunnel=(0.6, 1), mouthPucker=(0.1, 0.5), jawOpen=(0, 0.2)),
    "puff": _both(cheekPuff=(0.5, 1), mouthPress_=(0, 0.4), mouthPucker=(0, 0.5)),
    "bite": _both(mouthRollLower=(0.5, 1), jawOpen=(0, 0.15)),
    "fold lips": _both(mouthRollLower=(0.4, 1), mouthRollUpper=(0.4, 1), mouthPress_=(0.1, 0.5)),
    "press lips": _both(mouthPress_=(0.5, 1), mouthRollLower=(0, 0.3), mouthRollUpper=(0, 0.3)),
    "dimples": _both(mouthDimple_=(0.5, 1), mouthPress_=(0, 0.4)),
    "stretch": _both(mouthStretch_=(0.5, 1), mouthLowerDown_=(0.1, 0.6)),
    "frown": _both(mouthFrown_=(0.5, 1), mouthShrugLower=(0.1, 0.5)),
    "bare upper teeth": _both(mouthUpperUp_=(0.5, 1), noseSneer_=(0, 0.4)),
    "bare lower teeth": _both(mouthLowerDown_=(0.5, 1), mouthStretch_=(0, 0.3)),
    "jaw drop": _both(jawOpen=(0.5, 1), mouthStretch_=(0, 0.2)),
    "jaw, lips closed": _both(jawOpen=(0.3, 0.8), mouthClose=(0.3, 0.8)),
    "underbite": _both(jawForward=(0.5, 1), mouthShrugLower=(0, 0.3), jawOpen=(0, 0.2)),
    "sideways": {"jawLeft": (0.5, 1), "mouthLeft": (0.2, 0.9), "mouthDimpleLeft": (0, 0.3)},
    "chew": {"jawRight": (0.3, 0.9), "mouthRight": (0.1, 0.6), "jawOpen": (0.05, 0.35),
             "mouthClose": (0.05, 0.3)},
    "tongue": _both(tongueOut=(0.5, 1), jawOpen=(0.2, 0.6), mouthLowerDown_=(0, 0.5)),
    "squint": _both(eyeSquint_=(0.5, 1), cheekSquint_=(0.2, 0.8), browDown_=(0, 0.4)),
    "shut eyes": _both(eyeBlink_=(0.8, 1), eyeSquint_=(0, 0.8), cheekSquint_=(0, 0.6)),
    "brows up": _both(browInnerUp=(0.5, 1), browOuterUp_=(0.4, 1)),
    "brow flash": _both(browOuterUp_=(0.6, 1), eyeWide_=(0, 0.5)),
    "brows down": _both(browDown_=(0.5, 1)),
    "worry": _both(browInnerUp=(0.5, 1), browDown_=(0, 0.3)),
    "wide eyes": _both(eyeWide_=(0.6, 1), browOuterUp_=(0, 0.4)),
}  # fmt: skip

VISEMES: dict[str, Ranges] = {
    "aa": _both(jawOpen=(0.3, 0.7), mouthLowerDown_=(0.1, 0.4), mouthUpperUp_=(0, 0.25)),
    "ee": _both(mouthSmile_=(0.1, 0.4), mouthStretch_=(0.1, 0.4), jawOpen=(0.05, 0.25),
                mouthLowerDown_=(0.1, 0.35)),
    "eh": _both(jawOpen=(0.15, 0.4), mouthStretch_=(0.05, 0.3), mouthLowerDown_=(0.05, 0.3)),
    "oh": _both(jawOpen=(0.15, 0.45), mouthFunnel=(0.3, 0.7), mouthPucker=(0.1, 0.4)),
    "oo": _both(mouthPucker=(0.4, 0.9), mouthFunnel=(0.2, 0.6), jawOpen=(0.02, 0.15)),
    "mm": _both(mouthPress_=(0.1, 0.4), mouthRollLower=(0.1, 0.5), mouthRollUpper=(0.05, 0.35),
                mouthClose=(0.02, 0.15)),
    "ff": _both(mouthRollLower=(0.2, 0.6), mouthUpperUp_=(0.05, 0.3), jawOpen=(0.02, 0.12)),
    "ss": _both(mouthStretch_=(0.1, 0.3), jawOpen=(0.02, 0.12), mouthLowerDown_=(0.05, 0.25)),
    "sh": _both(mouthFunnel=(0.3, 0.7), mouthPucker=(0.1, 0.4), jawOpen=(0.02, 0.12)),
    "th": _both(jawOpen=(0.08, 0.25), tongueOut=(0, 0.25)),
    "ll": _both(jawOpen=(0.1, 0.3), mouthLowerDown_=(0, 0.2)),
    "rr": _both(mouthFunnel=(0.1, 0.4), mouthPucker=(0.05, 0.3), jawOpen=(0.05, 0.2)),
    "pause": {},
}  # fmt: skip

LEAKS: dict[str, Ranges] = {
    "jawOpen": _both(mouthClose=(0, 0.15), mouthLowerDown_=(0, 0.25), mouthStretch_=(0, 0.15)),
    "mouthFunnel": _both(mouthPucker=(0.1, 0.5), jawOpen=(0, 0.25)),
    "mouthPucker": _both(mouthFunnel=(0, 0.3), mouthRollLower=(0, 0.1)),
    "mouthLeft": _both(jawLeft=(0, 0.3), mouthDimpleLeft=(0, 0.4), mouthPress_=(0, 0.2)),
    "mouthRight": _both(jawRight=(0, 0.3), mouthDimpleRight=(0, 0.4), mouthPress_=(0, 0.2)),
    "jawLeft": _both(mouthLeft=(0, 0.5), jawOpen=(0, 0.15)),
    "jawRight": _both(mouthRight=(0, 0.5), jawOpen=(0, 0.15)),
    "jawForward": _both(mouthShrugLower=(0, 0.3), mouthFunnel=(0, 0.2), jawOpen=(0, 0.15)),
    "mouthShrugLower": _both(mouthShrugUpper=(0.2, 0.8), mouthPress_=(0, 0.2)),
    "mouthShrugUpper": _both(mouthShrugLower=(0.2, 0.8)),
    "mouthRollLower": _both(mouthPress_=(0, 0.3), mouthRollUpper=(0, 0.3), mouthClose=(0, 0.1)),
    "mouthRollUpper": _both(mouthPress_=(0, 0.3), mouthRollLower=(0, 0.4), mouthClose=(0, 0.1)),
    "cheekPuff": _both(mouthPucker=(0, 0.6), mouthPress_=(0, 0.4), mouthRollLower=(0, 0.2),
                       mouthShrugLower=(0, 0.2)),
    "tongueOut": _both(jawOpen=(0.15, 0.6), mouthLowerDown_=(0, 0.4), mouthFunnel=(0, 0.15)),
    "browInnerUp": _both(browOuterUp_=(0, 0.7), eyeWide_=(0, 0.3)),
    **_each_side({
        "mouthSmile": {"cheekSquint": (0.1, 0.7), "eyeSquint": (0, 0.4),
                       "mouthDimple": (0, 0.3), "mouthUpperUp": (0, 0.3),
                       "mouthStretch": (0, 0.2)},
        "mouthFrown": {"mouthShrugLower": (0, 0.5), "mouthPress": (0, 0.3),
                       "mouthStretch": (0, 0.2)},
        "mouthDimple": {"mouthSmile": (0, 0.3), "mouthPress": (0, 0.4)},
        "mouthStretch": {"mouthFrown": (0, 0.3), "mouthLowerDown": (0, 0.4)},
        "mouthPress": {"mouthRollLower": (0, 0.2), "mouthRollUpper": (0, 0.2)},
        "mouthLowerDown": {"mouthStretch": (0, 0.3), "jawOpen": (0, 0.15)},
        "mouthUpperUp": {"noseSneer": (0, 0.5), "cheekSquint": (0, 0.2)},
        "noseSneer": {"mouthUpperUp": (0.1, 0.7), "cheekSquint": (0, 0.5),
                      "browDown": (0, 0.4), "eyeSquint": (0, 0.3)},
        "browDown": {"noseSneer": (0, 0.3), "eyeSquint": (0, 0.4)},
        "browOuterUp": {"browInnerUp": (0.1, 0.9), "eyeWide": (0, 0.4)},
        "cheekSquint": {"eyeSquint": (0.1, 0.8), "mouthSmile": (0, 0.4)},
        "eyeSquint": {"cheekSquint": (0, 0.6), "browDown": (0, 0.2)},
        "eyeBlink": {"eyeSquint": (0, 0.4), "eyeLookDown": (0, 0.5)},
        "eyeWide": {"browOuterUp": (0, 0.4), "browInnerUp": (0, 0.3)},
        "eyeLookDown": {"eyeBlink": (0.1, 0.5)},
    }),
}  # fmt: skip

OPPOSED = (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"))
"""Pairs of which only the difference shows."""

OFTEN = {"jawOpen": 4.0, "mouthClose": 2.0, "mouthFunnel": 1.5, "mouthPucker": 1.5}
"""How much likelier than the others a channel is drawn: the jaw moves most of the face."""

RESTING = _both(
    jawForward=0.03, jawOpen=0.03, mouthClose=0.03, mouthLeft=0.03, mouthRight=0.03,
    **dict.fromkeys((
        "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
        "mouthShrugUpper", "mouthSmile_", "mouthFrown_", "mouthDimple_", "mouthStretch_",
        "mouthPress_", "mouthLowerDown_", "mouthUpperUp_",
    ), 0.08),
    **dict.fromkeys((
        "browInnerUp", "browDown_", "browOuterUp_", "cheekPuff", "cheekSquint_", "noseSneer_",
        "eyeBlink_", "eyeSquint_", "eyeWide_", "eyeLookDown_",
    ), 0.04),
)  # fmt: skip
"""Typical value of channels in a resting face: a solver spreads what it sees over many."""
