"""Characters are listed, described and downloaded whole."""

import asyncio
import dataclasses
import hashlib

import grpc
import pytest
from support.service import serving

import mien
from mien.errors import InputError, ServiceError
from mien.service import background, character_service, statuses
from mien.service.character_registry import CharacterRegistry
from mien.service.character_service import CHUNK_BYTES
from mien.service.client import connect
from mien.service.limits import Limits
from mien.service.v1 import character_service_pb2 as pb
from mien.service.v1 import character_service_pb2_grpc as pb_grpc


def test_listing_and_manifest(server, sphere_path):
    with connect(server.address) as client:
        (listed,) = client.characters()
        assert listed.name == "Sphere" and listed.rate_hz == 30.0 and listed.channel_count == 3
        assert listed.size_bytes == sphere_path.stat().st_size
        assert listed.sha256 == hashlib.sha256(sphere_path.read_bytes()).hexdigest()
        assert client.manifest("Sphere") == mien.load(sphere_path).manifest
        with pytest.raises(InputError, match="'nobody' here, there is 'Sphere'"):
            client.manifest("nobody")


def test_downloads_are_the_file(server, sphere_path, tmp_path):
    with connect(server.address) as client:
        path = client.download("Sphere", tmp_path / "copy.mien")
        with pytest.raises(InputError, match="cannot be written"):
            client.download("Sphere", tmp_path / "absent" / "copy.mien")
    assert path.read_bytes() == sphere_path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["copy.mien"]


def test_a_damaged_download_leaves_no_file(registry, tmp_path):

    served = dataclasses.replace(registry["Sphere"], sha256="00" * 32)
    with (
        serving(CharacterRegistry([served])) as server,
        connect(server.address) as client,
        pytest.raises(ServiceError, match="arrived damaged"),
    ):
        client.download("Sphere", tmp_path / "copy.mien")
    assert not list(tmp_path.iterdir())


def test_downloads_continue_at_an_offset(server, sphere_path):
    whole = sphere_path.read_bytes()

    async def part(offset):
        async with grpc.aio.insecure_channel(server.address) as channel:
            request = pb.DownloadCharacterRequest(name="Sphere", offset_bytes=offset)
            call = pb_grpc.CharacterServiceStub(channel).DownloadCharacter(request)
            chunks = [chunk async for chunk in call]
        assert all(len(chunk.data) <= CHUNK_BYTES for chunk in chunks)
        return b"".join(chunk.data for chunk in chunks)

    for offset in (0, 1, len(whole) - 1, len(whole)):
        assert background.run(part(offset)) == whole[offset:]
    with pytest.raises(grpc.aio.AioRpcError, match="OUT_OF_RANGE"):
        background.run(part(len(whole) + 1))


def test_a_download_that_is_not_read_ends(registry, monkeypatch):
    served = dataclasses.replace(registry["Sphere"], data=bytes(1_000_000))
    gave_up = asyncio.Event()
    errors = []

    def note(error):
        errors.append(error)
        gave_up.set()
        return statuses.status_of(error)

    async def stall(server):
        options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535)]
        channel = grpc.aio.insecure_channel(server.address, options)
        request = pb.DownloadCharacterRequest(name="Sphere")
        call = pb_grpc.CharacterServiceStub(channel).DownloadCharacter(request)
        try:
            await asyncio.wait_for(gave_up.wait(), 10)
        finally:
            call.cancel()
            await channel.close()

    monkeypatch.setattr(character_service, "status_of", note)
    with serving(CharacterRegistry([served]), limits=Limits(idle_timeout_s=0.1)) as server:
        background.run(asyncio.wait_for(stall(server), 15))
    assert [type(error) for error in errors] == [statuses.IdleError]
