"""The photoreal avatars of a character: which there are, and their networks and pictures."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeVar, overload

from mien.avatar_kinds import KINDS, SplatsEntry, VolumeEntry
from mien.errors import InputError
from mien.manifest import Manifest
from mien.onnx_session import Providers
from mien.package import Package

if TYPE_CHECKING:
    from mien.avatar.playback.coefficient_model import CoefficientModel
    from mien.avatar.playback.splat_avatar import SplatAvatar
    from mien.avatar.playback.volume_avatar import VolumeAvatar
    from mien.rig import Rig

__all__ = ["CharacterAvatars"]

Entry = TypeVar("Entry", SplatsEntry, VolumeEntry)


class CharacterAvatars:
    """What `mien.Character` has of avatars; each is read when it is first used."""

    package: Package
    providers: Providers

    if TYPE_CHECKING:  # a character's own

        @property
        def manifest(self) -> Manifest: ...

        @property
        def name(self) -> str: ...

        @cached_property
        def rig(self) -> Rig: ...

    @property
    def avatars(self) -> tuple[str, ...]:
        """Kinds of the photoreal avatars: "splats", "volume", both or none.

        >>> mien.load(SPHERE).avatars
        ()
        """
        return tuple(dict.fromkeys(entry.kind for entry in self.manifest.avatars))

    @property
    def avatar_names(self) -> tuple[str, ...]:
        """D coefficients of the avatar of splats, in the order of `Frame.avatar`; none for a
        character without one.

        >>> mien.load(SPHERE).avatar_names
        ()
        """
        entry = self._entry(SplatsEntry)
        return () if entry is None else entry.coefficients

    @cached_property
    def avatar_network(self) -> CoefficientModel | None:
        """What gives the coefficients of the avatar of splats, without its Gaussians; None for a
        character without one. Raises PackageError if it cannot be used.

        >>> mien.load(SPHERE).avatar_network is None
        True
        """
        entry = self._entry(SplatsEntry)
        if entry is None:
            return None
        from mien.avatar.playback.coefficient_model import CoefficientModel

        return CoefficientModel.of(self.package, entry, self.providers)

    @property
    def has_avatar(self) -> bool:
        """Whether there is a photoreal avatar of this character.

        >>> mien.load(SPHERE).has_avatar
        False
        """
        return bool(self.manifest.avatars)

    @overload
    def avatar(self, kind: Literal["splats"]) -> SplatAvatar: ...
    @overload
    def avatar(self, kind: Literal["volume"]) -> VolumeAvatar: ...
    @overload
    def avatar(self, kind: str | None = None) -> SplatAvatar | VolumeAvatar: ...

    def avatar(self, kind: str | None = None) -> SplatAvatar | VolumeAvatar:
        """The photoreal avatar of a kind: "splats", Gaussians that move with the frames, and
        pictures of them, or "volume", pictures alone. None: the splats where there are some, else
        the volume. Raises InputError for one that the character does not have, PackageError for one
        that cannot be used.

        >>> mien.load(SPHERE).avatar()
        Traceback (most recent call last):
        mien.errors.InputError: character 'Sphere' has no avatar
        """
        if kind not in (None, *KINDS):
            raise InputError(f"avatar kind is {kind!r}, expected one of {', '.join(KINDS)}")
        if not self.has_avatar:
            raise InputError(f"character {self.name!r} has no avatar")
        if kind is not None and kind not in self.avatars:
            raise InputError(
                f"character {self.name!r} has no avatar of kind {kind!r}, only "
                f"{', '.join(self.avatars)}"
            )
        kind = next(k for k in KINDS if k in self.avatars) if kind is None else kind
        return self._splats if kind == SplatsEntry.KIND else self._volume

    @cached_property
    def _splats(self) -> SplatAvatar:
        entry, network = self._entry(SplatsEntry), self.avatar_network
        assert entry is not None and network is not None
        from mien.avatar.playback.splat_avatar import SplatAvatar

        return SplatAvatar.of(self.package, self.rig, network, entry)

    @cached_property
    def _volume(self) -> VolumeAvatar:
        entry = self._entry(VolumeEntry)
        assert entry is not None
        from mien.avatar.playback.volume_avatar import VolumeAvatar

        return VolumeAvatar.of(self.package, self.rig, entry, self.providers)

    def _entry(self, kind: type[Entry]) -> Entry | None:
        return next((e for e in self.manifest.avatars if isinstance(e, kind)), None)
