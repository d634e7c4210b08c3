"""The default head, and a scan of a person who is known."""

import pytest


@pytest.fixture(scope="module")
def template(anny):
    return anny


@pytest.fixture(scope="module")
def known(template):
    from support.scans import known_scan

    return known_scan(template, blink=1.0)
