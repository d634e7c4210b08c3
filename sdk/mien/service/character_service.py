"""CharacterService: which characters there are, and their package files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from mien.errors import MienError
from mien.service.catalogue import Catalogue, Offer
from mien.service.statuses import OffsetError, status_of
from mien.service.v1 import character_service_pb2 as pb
from mien.service.v1 import character_service_pb2_grpc as pb_grpc

__all__ = ["CHUNK_BYTES", "CharacterService"]

CHUNK_BYTES = 65_536
"""Of a download: small enough that live frames on the same connection are not held up."""


def _summary(offer: Offer) -> pb.CharacterSummary:
    manifest = offer.character.manifest
    return pb.CharacterSummary(
        name=offer.character.name,
        size_bytes=len(offer.data),
        sha256=offer.sha256,
        channel_count=len(manifest.channels),
        rate_hz=manifest.rate_hz,
    )


class CharacterService(pb_grpc.CharacterServiceServicer):
    """Serves a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def ListCharacters(
        self, request: pb.ListCharactersRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListCharactersResponse:
        summaries = [_summary(offer) for offer in self._catalogue.offers()]
        return pb.ListCharactersResponse(characters=summaries)

    async def GetCharacter(
        self, request: pb.GetCharacterRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.GetCharacterResponse:
        try:
            offer = self._catalogue[request.name]
        except MienError as error:
            await context.abort(*status_of(error))
            raise
        return pb.GetCharacterResponse(character=_summary(offer), manifest_json=offer.manifest_json)

    async def DownloadCharacter(
        self, request: pb.DownloadCharacterRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.DownloadCharacterResponse]:
        try:
            offer = self._catalogue[request.name]
            size = len(offer.data)
            if request.offset_bytes > size:
                raise OffsetError(
                    f"offset_bytes is {request.offset_bytes}, the package has {size} bytes"
                )
        except MienError as error:
            await context.abort(*status_of(error))
            raise
        for offset in range(request.offset_bytes, size, CHUNK_BYTES):
            yield pb.DownloadCharacterResponse(
                offset_bytes=offset,
                data=offer.data[offset : offset + CHUNK_BYTES],
                size_bytes=size,
                sha256=offer.sha256,
            )
