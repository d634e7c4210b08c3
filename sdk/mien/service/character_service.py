"""CharacterService: which characters there are, and their package files."""

from __future__ import annotations

from typing import Any

import grpc

from mien.errors import MienError
from mien.service.character_registry import CharacterRegistry, ServedCharacter
from mien.service.statuses import OffsetError, status_of
from mien.service.stream_protocol import write_or_end
from mien.service.v1 import character_service_pb2 as pb
from mien.service.v1 import character_service_pb2_grpc as pb_grpc

__all__ = ["CHUNK_BYTES", "CharacterService"]

CHUNK_BYTES = 65_536
"""Of a download: small enough that live frames on the same connection are not held up."""


def _summary(served: ServedCharacter) -> pb.CharacterSummary:
    manifest = served.character.manifest
    return pb.CharacterSummary(
        name=served.character.name,
        size_bytes=len(served.data),
        sha256=served.sha256,
        channel_count=len(manifest.channels),
        rate_hz=manifest.rate_hz,
    )


class CharacterService(pb_grpc.CharacterServiceServicer):
    """Serves the characters of a registry."""

    def __init__(self, registry: CharacterRegistry, idle_timeout_s: float) -> None:
        self._registry = registry
        self._idle_timeout_s = idle_timeout_s

    async def ListCharacters(
        self, request: pb.ListCharactersRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListCharactersResponse:
        summaries = [_summary(served) for served in self._registry.characters()]
        return pb.ListCharactersResponse(characters=summaries)

    async def GetCharacter(
        self, request: pb.GetCharacterRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.GetCharacterResponse:
        try:
            served = self._registry[request.name]
        except MienError as error:
            await context.abort(*status_of(error))
            raise
        return pb.GetCharacterResponse(
            character=_summary(served), manifest_json=served.manifest_json
        )

    async def DownloadCharacter(
        self, request: pb.DownloadCharacterRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        try:
            served = self._registry[request.name]
            size = len(served.data)
            if request.offset_bytes > size:
                raise OffsetError(
                    f"offset_bytes is {request.offset_bytes}, the package has {size} bytes"
                )
            for offset in range(request.offset_bytes, size, CHUNK_BYTES):
                part = pb.DownloadCharacterResponse(
                    offset_bytes=offset,
                    data=served.data[offset : offset + CHUNK_BYTES],
                    size_bytes=size,
                    sha256=served.sha256,
                )
                await write_or_end(context, part, self._idle_timeout_s)
        except MienError as error:
            await context.abort(*status_of(error))
