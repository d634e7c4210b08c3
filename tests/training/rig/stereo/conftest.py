"""One synthetic person, and three images of one moment of theirs."""

import pytest


@pytest.fixture(scope="module")
def template(anny):
    return anny


@pytest.fixture(scope="module")
def person(still_person):
    return still_person


@pytest.fixture(scope="module")
def seen(stills):
    return stills
