"""Loopback only unless secured; tokens and certificates are asked for, health excepted."""

import re
import subprocess
from contextlib import contextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from support.service import NEUTRAL, serving

from mien.errors import InputError, ServiceError
from mien.service import background, security
from mien.service.client import Tls, connect
from mien.service.server import SERVICES, Server, ServerConfig

TOKEN = "0123456789abcdef-token"


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """An authority, a server for 127.0.0.1 and a client, made afresh by openssl."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes", "-keyout")
    try:
        openssl(*new, "ca.key", "-x509", "-days", "2", "-subj", "/CN=test authority",
                "-out", "ca.pem")  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no openssl")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        openssl(*new, f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
        names = ("-extfile", "names", "-out", f"{name}.pem")
        openssl("x509", "-req", "-in", f"{name}.csr", *signing, *names)
    return folder


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1:1", True), ("127.8.9.1:1", True), ("localhost:1", True), ("[::1]:1", True),
        ("0.0.0.0:1", False), ("[::]:1", False), ("10.0.0.1:1", False), ("example.org:1", False),
        ("localhost.example.org:1", False),
    ],
)  # fmt: skip
def test_only_loopback_goes_without_tls(address, inside):
    assert security.is_loopback(address) == inside
    security.check_exposure(address, tls=True, insecure=False)
    security.check_exposure(address, tls=False, insecure=True)
    if inside:
        security.check_exposure(address, tls=False, insecure=False)
    else:
        with pytest.raises(InputError, match=r"--tls-cert.*--insecure"):
            security.check_exposure(address, tls=False, insecure=False)


@pytest.mark.parametrize("address", ["", "host", ":1", "host:", "host:x", "::1:5", "h:70000"])
def test_addresses_that_are_none(address):
    with pytest.raises(InputError, match="is not HOST:PORT"):
        security.host_of(address)


def test_a_server_in_the_open_is_refused_before_it_listens(registry):
    with pytest.raises(InputError, match="can be reached from other machines"):
        Server(registry, ServerConfig(address="0.0.0.0:0"))


@pytest.mark.parametrize("content", ["", "short", "a token with spaces in it", "ü" * 20])
def test_tokens_that_are_none(tmp_path, content):
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(InputError, match="must hold one token of at least 16"):
        security.read_token(path)
    with pytest.raises(InputError, match="cannot read the token file"):
        security.read_token(tmp_path / "absent")


def test_halves_of_tls_are_refused(tmp_path):
    pem = tmp_path / "a.pem"
    pem.write_text("no PEM")
    for given, words in (
        ((pem, None, None), "go together"),
        ((None, pem, None), "go together"),
        ((None, None, pem), "needs TLS"),
        ((pem, tmp_path / "absent", None), "cannot read the TLS key"),
        ((pem, pem, None), "is not a PEM file"),
    ):
        with pytest.raises(InputError, match=words):
            security.server_credentials(*given)


@contextmanager
def channel_to(server):
    async def make():
        return grpc.aio.insecure_channel(server.address)

    channel = background.run(make())
    try:
        yield channel
    finally:
        background.run(channel.close())


def ask_health(channel, service=""):
    async def ask():
        return await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service=service)
        )

    return background.run(ask()).status


def list_services(channel, metadata=()):
    async def ask():
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        call = stub.ServerReflectionInfo(iter([request]), metadata=metadata)
        async for answer in call:
            return {service.name for service in answer.list_services_response.service}

    return background.run(ask())


def test_health_and_reflection(server):
    with channel_to(server) as channel:
        for service in ("", *SERVICES):
            assert ask_health(channel, service) == health_pb2.HealthCheckResponse.SERVING
        assert list_services(channel) >= {
            "mien.v1.CharacterService", "mien.v1.AnimationService", "mien.v1.TrackingService",
            "grpc.health.v1.Health",
        }  # fmt: skip


@pytest.mark.parametrize("shown", [None, "0123456789abcdef-tokex", TOKEN + "x", TOKEN[:-1]])
def test_every_method_asks_for_the_token(registry, token_file, tmp_path, shown):
    with serving(registry, token_file=token_file) as server:
        with connect(server.address, token=shown) as client:
            for ask in (
                client.characters,
                lambda: client.manifest("Sphere"),
                lambda: client.download("Sphere", tmp_path / "x.mien"),
                lambda: client.session("Sphere").__enter__(),
                lambda: list(client.track([(b"", 1.0)])),
            ):
                with pytest.raises(ServiceError, match=r"token (missing|wrong) \(UNAUTHENTICATED"):
                    ask()
        assert not (tmp_path / "x.mien").exists()
        with channel_to(server) as channel:
            assert ask_health(channel) == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.aio.AioRpcError, match="UNAUTHENTICATED"):
                list_services(channel)
            assert list_services(channel, (("authorization", f"Bearer {TOKEN}"),))
        with (
            connect(server.address, token=TOKEN) as client,
            client.session("Sphere") as session,
        ):
            session.step(NEUTRAL, 1.0)


def test_a_token_never_travels_in_the_open():
    with pytest.raises(InputError, match="would travel unencrypted"):
        connect("example.org:50051", token=TOKEN)


def test_tls(registry, certificates):
    pair = {"tls_cert": certificates / "server.pem", "tls_key": certificates / "server.key"}
    with serving(registry, **pair) as server:
        assert server.secure
        with connect(server.address, tls=Tls(certificates / "ca.pem")) as client:
            assert [c.name for c in client.characters()] == ["Sphere"]
        for tls in (None, Tls()):  # plain text; TLS that trusts the system's authorities only
            with connect(server.address, tls=tls) as client, pytest.raises(ServiceError):
                client.characters()


def test_mutual_tls(registry, certificates):
    config = {
        "tls_cert": certificates / "server.pem", "tls_key": certificates / "server.key",
        "client_ca": certificates / "ca.pem",
    }  # fmt: skip
    ca, own = certificates / "ca.pem", (certificates / "client.pem", certificates / "client.key")
    with serving(registry, **config) as server:
        with connect(server.address, tls=Tls(ca, *own)) as client:
            assert len(client.characters()) == 1
        with connect(server.address, tls=Tls(ca)) as client, pytest.raises(ServiceError):
            client.characters()


def test_the_servers_docstring_names_its_methods():
    names = re.findall(r"`(\w+)`", Server.__doc__)
    assert names and all(callable(getattr(Server, name, None)) for name in names), names
