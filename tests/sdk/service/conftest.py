"""One small character with a real network for all tests of the service."""

import pytest
from support.service import serving, write_sphere

from mien.service.catalogue import Catalogue, Offer


@pytest.fixture(scope="session")
def sphere_path(tmp_path_factory):
    return write_sphere(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def catalogue(sphere_path):
    return Catalogue([Offer.load(sphere_path)])


@pytest.fixture
def server(catalogue):
    with serving(catalogue) as running:
        yield running
