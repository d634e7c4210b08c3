"""How a volume is made and learnt, at the size of the paper or of a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from mien.errors import InputError
from mien_training.avatar.anchors.atlas import SIDES
from mien_training.avatar.expression.expression_network import ExpressionKind

__all__ = ["SIZES", "Anchoring", "SizeName", "VolumeConfig", "VolumeSize"]

SizeName = Literal["small", "paper"]
Anchoring = Literal["nearest", "surface"]
"""nearest: the four nearest posed anchors (the paper). surface: the one point of the surface that
is nearest, between its texels."""


@dataclass(frozen=True)
class VolumeSize:
    """Of the networks and of a step."""

    map: int
    """Side of the expression network's map, texels."""
    widths: tuple[int, ...]
    """Channels of its levels, the finest first."""
    features: int
    """F, of an anchor."""
    width: int
    """Of MLP0 and MLP1."""
    layers: tuple[int, int]
    """Of MLP0 and MLP1."""
    colour_width: int
    """Of MLP2's one layer."""
    longest_m: float
    """Longest wave of an offset's encoding."""
    bands: tuple[int, int]
    """Of the encodings of an offset and of the view."""
    samples: tuple[int, int]
    """A ray: of the coarse net, and in addition of the fine one."""
    rays: int
    """A step, all of one frame."""
    steps: int
    """When the configuration says nothing."""
    rate: float
    """Learning rate when the configuration says nothing."""
    warp: tuple[int, int]
    """Layers and width of the error-correcting warp."""
    speeds: tuple[float, float]
    """Learning rates of static features and of the expression network, in parts of the rest's. As
    fast as the rest of `small`, the network may diverge."""
    warp_speeds: tuple[float, float]
    """Those of the warp and of the frames' codes. A short training sees each frame a few times
    only: codes must move far at each."""


SIZES: Mapping[SizeName, VolumeSize] = {
    "small": VolumeSize(
        map=64, widths=(16, 32, 64, 64), features=32, width=64, layers=(2, 2), colour_width=32,
        longest_m=0.125, bands=(6, 2), samples=(8, 8), rays=512, steps=2000, rate=0.004,
        warp=(3, 32), speeds=(5.0, 0.25), warp_speeds=(0.5, 2.5),
    ),
    # Supplement of Bai et al. 2023; the counts of samples are NeRF's, the paper gives none. Ten
    # bands down from 2 m: its encoding of offsets in metres.
    "paper": VolumeSize(
        map=256, widths=(8, 16, 32, 64, 128, 256), features=64, width=128, layers=(3, 3),
        colour_width=64, longest_m=2.0, bands=(10, 4), samples=(64, 64), rays=1024, steps=400_000,
        rate=0.001, warp=(5, 128), speeds=(1.0, 1.0), warp_speeds=(0.1, 0.1),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class VolumeConfig:
    """The volume, what changes it, and how it learns."""

    size: SizeName = "small"
    """Of the networks, the samples and a step: small for a CPU, or the paper's."""
    network: ExpressionKind = "displacements"
    """What tells how an expression changes the features."""
    anchoring: Anchoring = "nearest"
    """What a point takes its features from."""
    atlas: int = 64
    """Side of the atlas whose texels are the anchors of `nearest`, about 3,200 at 64."""
    hair: bool = True
    """Density up to 7 cm above the scalp, and layers of anchors there."""
    posed: bool = True
    """False leaves the anchors where the neutral has them: for comparison, it breaks."""
    steps: int | None = None
    """Of one frame each; the size's own, if left out."""
    rate: float | None = None
    """Learning rate at first, the size's own if left out; it ends at a tenth."""
    looked_at: float = 8.0
    """How much more often rays are drawn in lips, lids, brows and the mouth's inside."""
    empty: float = 0.25
    """How often they are drawn where the film shows no head, in parts of elsewhere."""
    alpha_weight: float = 0.1
    """Weight of the square of the difference of coverage."""
    warp: bool = True
    """Lets every frame of the film be a little elsewhere than tracked; not at run time."""
    warp_from: float = 0.0125
    """Share of the steps without it; the paper's."""
    warp_opened: float = 0.2
    """Share of the steps over which its encoding opens; the paper's."""
    warp_hold: float = 0.0003
    """Weight of the square of its motions, in millimetres."""
    warp_elastic: float = 0.0001
    """Weight of its stretching, a tenth of that after 39 % of the steps; the paper's."""
    seed: int = 0
    """Of initial values and of rays."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("size", self.size, get_args(SizeName)),
            ("anchoring", self.anchoring, get_args(Anchoring)),
            ("network", self.network, get_args(ExpressionKind)),
        ):
            if value not in known:
                raise InputError(f"volume: {name} {value!r}, expected one of {', '.join(known)}")
        if not SIDES[0] <= self.atlas <= SIDES[1]:
            raise InputError(f"volume: atlas {self.atlas}, expected {SIDES[0]} to {SIDES[1]}")
        if not self.learning_rate > 0 or self.step_count < 1:
            raise InputError(f"volume: rate {self.rate} and steps {self.steps}, expected above 0")
        if not (self.looked_at >= 1 and 0 < self.empty <= 1):
            raise InputError(
                f"volume: looked_at {self.looked_at} and empty {self.empty}, expected 1 or more "
                "and 0..1"
            )
        if not (0 <= self.warp_from <= 1 and 0 < self.warp_opened <= 1):
            raise InputError(
                f"volume: warp_from {self.warp_from}, warp_opened {self.warp_opened}, expected "
                "shares of the steps"
            )
        if not all(w >= 0 for w in (self.alpha_weight, self.warp_hold, self.warp_elastic)):
            raise InputError(
                f"volume: alpha_weight {self.alpha_weight}, warp_hold {self.warp_hold}, "
                f"warp_elastic {self.warp_elastic}, expected 0 or more"
            )

    @property
    def sizes(self) -> VolumeSize:
        """What `size` stands for."""
        return SIZES[self.size]

    @property
    def step_count(self) -> int:
        """How many there are."""
        return self.sizes.steps if self.steps is None else self.steps

    @property
    def learning_rate(self) -> float:
        """At first."""
        return self.sizes.rate if self.rate is None else self.rate
