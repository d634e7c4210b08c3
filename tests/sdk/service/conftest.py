"""One small character with a real network for all tests of the service."""

import pytest
from support.service import serving, write_sphere

from mien.service import negotiation
from mien.service.character_registry import CharacterRegistry, ServedCharacter


@pytest.fixture(scope="session")
def sphere_path(tmp_path_factory):
    return write_sphere(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def registry(sphere_path):
    return CharacterRegistry([ServedCharacter.load(sphere_path)])


@pytest.fixture
def tokens_with_every_answer(monkeypatch):
    """However soon the next answer comes, where tokens are asked for often."""
    monkeypatch.setattr(negotiation, "MIN_TOKEN_INTERVAL_S", 1e-9)
    monkeypatch.setattr(negotiation, "TOKEN_BYTES_PER_S", 1e15)


@pytest.fixture
def server(registry):
    with serving(registry) as running:
        yield running
