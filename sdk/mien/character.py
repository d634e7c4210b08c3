"""A loaded character package: one person's rig and animator, ready to be driven."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import ChannelError, InputError, PackageError
from mien.filters import OneEuroConfig
from mien.manifest import Manifest
from mien.package import ANIMATOR, Package, read_package
from mien.session import Session, SessionOptions
from mien.tracker.features import FeatureLayout

if TYPE_CHECKING:
    from mien.animator import Animator
    from mien.rig import Rig

__all__ = ["Character", "load"]


@dataclass(frozen=True, eq=False)
class Character:
    """One person, from a `.mien` file; `load` makes it.

    The rig and the network are read, and checked against the manifest, when they are first used.
    """

    package: Package

    @property
    def manifest(self) -> Manifest:
        """What the package says of itself."""
        return self.package.manifest

    @property
    def name(self) -> str:
        """The character's name."""
        return self.manifest.name

    @property
    def channel_names(self) -> tuple[str, ...]:
        """C names, in the order of `Frame.channels`."""
        return self.manifest.channels

    @cached_property
    def layout(self) -> FeatureLayout:
        """The features that drive this character. Raises PackageError if they are unknown here."""
        where = f"character {self.name!r}"
        try:
            layout = FeatureLayout(self.manifest.features)
        except ChannelError as error:
            raise PackageError(f"{where}: manifest.json: features: {error}") from None
        if layout.size != self.manifest.feature_size:
            raise PackageError(
                f"{where}: manifest.json: feature_size is {self.manifest.feature_size}, its groups "
                f"have {layout.size} values"
            )
        return layout

    @cached_property
    def rig(self) -> Rig:
        """Mesh, blendshapes and joints from character.glb. Raises PackageError."""
        return self.package.rig()

    @cached_property
    def animator(self) -> Animator:
        """The recurrent network; sessions share it. Raises PackageError if it cannot be used."""
        from mien.animator import Animator

        where = f"character {self.name!r}: {ANIMATOR}"
        data = self.package.read_bytes(ANIMATOR)
        try:
            animator = Animator(data, self.channel_names, self.layout)
        except InputError as error:
            raise PackageError(f"{where}: {error}") from None
        self.package.check_model(ANIMATOR, animator.session)
        return animator

    def session(
        self,
        smoothing: OneEuroConfig | None = None,
        neutral: NDArray[np.floating] | None = None,
        calibration_frames: int | None = None,
        options: SessionOptions | None = None,
    ) -> Session:
        """A new performer.

        `neutral` is the driver's relaxed face as (F,) raw features; without it the first
        `calibration_frames` (30 unless told) are watched for one. `smoothing` trades lag for
        calm: `OneEuroConfig` says how much. `options` has the rarer settings.
        """
        options = options or SessionOptions()
        if smoothing is not None:
            options = replace(options, smoothing=smoothing)
        if calibration_frames is not None:
            options = replace(options, calibration_frames=calibration_frames)
        return Session(self.animator, self.layout, self.channel_names, options, neutral)


def load(path: str | os.PathLike[str] | bytes) -> Character:
    """Open a character package: a `.mien` file, a folder of the same content, or its bytes.

    Raises PackageError, naming the file, for a package that is damaged or of another version.
    """
    character = Character(read_package(path))
    _ = character.layout  # refuse unknown features now, not at the first frame
    return character
