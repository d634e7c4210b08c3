"""What a data set of synthetic people is made of: one small dataclass for each factor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mien.errors import InputError
from mien_training.cameras.arrays import ArraySpec
from mien_training.synthetic.light import Strength, check_strength
from mien_training.synthetic.performance_spec import PerformanceSpec

__all__ = ["CameraSpec", "DatasetSpec", "LabelSpec", "PersonSpec", "SequenceSpec"]


@dataclass(frozen=True)
class PersonSpec:
    """Who is seen."""

    template: str = "anny"
    """Template name (load_template): anny, a folder of ICT-FaceKit's OBJ files, a .glb file."""
    identity: int | Literal["template", "random"] = "random"
    """Whose head: the template's own, somebody new in every sequence, or the one of a seed."""
    shape_strength: float = 0.0
    """How far the person's expressions differ from the template's (personal_deltas)."""
    off_basis_m: float = 0.0
    """Root mean square of what the template's identities cannot express of the head, metres."""
    hair: Literal["none", "painted", "strands", "any"] = "painted"
    """none: a bald head; painted: cropped hair in the texture, if the look has any; strands:
    ribbons grown from the scalp; any: one of the three, by chance."""
    strands: int = 4000
    """How many ribbons."""
    texture_side: int = 512
    """Of the skin's texture, texels."""

    def __post_init__(self) -> None:
        if self.hair not in ("none", "painted", "strands", "any"):
            raise InputError(
                f"PersonSpec: hair {self.hair!r}, expected none, painted, strands or any"
            )
        named = isinstance(self.identity, str) and self.identity not in ("template", "random")
        if named or (isinstance(self.identity, int) and self.identity < 0):
            raise InputError(
                f"PersonSpec: identity {self.identity!r}, expected template, random or a seed of "
                "0 or more"
            )
        if self.identity == "template" and max(self.shape_strength, self.off_basis_m) > 0:
            raise InputError(
                "PersonSpec: shape_strength and off_basis_m make somebody else, but identity is "
                "'template'; expected random or a seed"
            )
        if (
            self.strands < 1
            or self.texture_side < 16
            or not (0 <= self.shape_strength < 10 and 0 <= self.off_basis_m < 0.1)
        ):
            raise InputError(
                f"PersonSpec: strands {self.strands}, texture_side {self.texture_side}, "
                f"shape_strength {self.shape_strength}, off_basis_m {self.off_basis_m}, expected "
                "1, 16, 0 and 0 or more"
            )


@dataclass(frozen=True)
class CameraSpec:
    """Who looks on."""

    array: ArraySpec | None = None
    """Several cameras around the head; None: one webcam that stands about where the face looks."""
    size: int = 320
    """Side of the webcam's square images, pixels."""

    @property
    def count(self) -> int:
        """How many cameras."""
        return 1 if self.array is None else self.array.count

    def __post_init__(self) -> None:
        if self.size < 16:
            raise InputError(f"CameraSpec: size {self.size}, expected at least 16 pixels")
        if self.array is not None and self.array.width != self.array.height:
            raise InputError(
                f"CameraSpec: images of {self.array.width} x {self.array.height}, expected square "
                "ones"
            )


@dataclass(frozen=True)
class LabelSpec:
    """Which maps and meshes are kept; mask, weights, pose and landmarks always are."""

    part: bool = True
    """(H, W) what each pixel shows."""
    depth: bool = False
    """(H, W) distance along the camera's axis."""
    normals: bool = False
    """(H, W, 3) where each pixel's surface faces."""
    uv: bool = False
    """(H, W, 2) texture coordinates."""
    vertices: bool = False
    """(V, 3) the posed mesh in the template's topology."""


@dataclass(frozen=True)
class SequenceSpec:
    """One person who does one thing before some cameras."""

    person: PersonSpec = field(default_factory=PersonSpec)
    """Who is seen."""
    performance: PerformanceSpec = field(default_factory=PerformanceSpec)
    """What they do."""
    light: Strength = "mild"
    """How uneven the light is."""
    cameras: CameraSpec = field(default_factory=CameraSpec)
    """Who looks on."""
    degradation: Literal["none", "mild", "strong"] = "mild"
    """How far the images are from what a perfect camera would deliver."""

    def __post_init__(self) -> None:
        check_strength("SequenceSpec.light", self.light)
        if self.degradation != "none":
            check_strength("SequenceSpec.degradation", self.degradation)


@dataclass(frozen=True)
class DatasetSpec:
    """Many sequences, all different: number i follows from the spec, the seed and i alone."""

    sequence: SequenceSpec = field(default_factory=SequenceSpec)
    """How each is drawn."""
    labels: LabelSpec = field(default_factory=LabelSpec)
    """What is kept of it."""
    sequences: int = 100
    """How many."""
    seed: int = 0
    """Draws all of them."""
    frames_per_shard: int = 200
    """About how many images one file holds; also what a worker holds in memory."""

    def __post_init__(self) -> None:
        if self.sequences < 1 or self.seed < 0 or self.frames_per_shard < 1:
            raise InputError(
                f"DatasetSpec: sequences {self.sequences}, seed {self.seed}, frames_per_shard "
                f"{self.frames_per_shard}, expected 1, 0, 1 or more"
            )

    @property
    def sequences_per_shard(self) -> int:
        """How many whole sequences one file holds."""
        images = self.sequence.performance.frames * self.sequence.cameras.count
        return max(self.frames_per_shard // images, 1)

    @property
    def shards(self) -> int:
        """How many files."""
        return -(-self.sequences // self.sequences_per_shard)
