"""What the streaming services of one server have in common."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import InputError
from mien.service.avatar_pictures import PictureWorker, SessionPictures, check_pictures
from mien.service.character_registry import CharacterRegistry, ServedCharacter
from mien.service.detail_maps import DetailMapWorker, SessionMaps
from mien.service.limits import Limits
from mien.service.negotiation import session_options
from mien.service.performers import Performers, StepBatcher
from mien.service.session_limiter import SessionLimiter
from mien.service.wire import AnimateOpen, Settings, TrackOpen

__all__ = ["Shared"]


@dataclass(frozen=True, eq=False)
class Shared:
    """Characters, workers and limits that all streams of a server use."""

    registry: CharacterRegistry
    batcher: StepBatcher
    limiter: SessionLimiter
    limits: Limits
    calibration_frames: int
    """First frames that are watched for a neutral where the client does not say how many."""
    map_worker: DetailMapWorker
    picture_worker: PictureWorker

    def performers(
        self, served: ServedCharacter, opening: AnimateOpen | TrackOpen, settings: Settings
    ) -> Performers:
        """The performers of a new session. Raises InputError for settings out of range, and for
        coefficients of an avatar that the character does not have."""
        network = served.character.avatar_network if opening.outputs.avatar else None
        if opening.outputs.avatar and network is None:
            kinds = served.character.avatars
            only = f" with coefficients, only a {kinds[0]}" if kinds else ""
            raise InputError(
                f"outputs.avatar: character {served.character.name!r} has no avatar{only}"
            )
        return Performers(
            served,
            self.batcher,
            settings.max_performers,
            self.limiter.budgets,
            session_options(settings),
            opening.neutrals,
            opening.outputs.vertices,
            network,
        )

    async def maps(self, served: ServedCharacter | None, settings: Settings) -> SessionMaps | None:
        """The maps of the skin that a new session gets, None for none. Raises PackageError for
        broken images."""
        wanted = settings.outputs.detail_map
        if served is None or wanted is None:
            return None
        await self.map_worker.load(served, wanted)
        return SessionMaps(self.map_worker, served, wanted, self.limits)

    async def pictures(
        self, served: ServedCharacter | None, settings: Settings
    ) -> SessionPictures | None:
        """The pictures of the avatar that a new session gets, None for none. Raises InputError for
        those that the character or this server cannot give, PackageError for a broken avatar."""
        wanted = settings.outputs.avatar_picture
        if wanted is None:
            return None
        check_pictures(wanted, served, settings.rate_hz, self.limits)
        assert served is not None
        await self.picture_worker.load(served)
        return SessionPictures(self.picture_worker, served, wanted, self.limits)
