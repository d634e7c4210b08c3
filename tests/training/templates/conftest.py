"""Templates are built once a session, or read from the user's cache."""

import pytest


@pytest.fixture(scope="session")
def anny():
    pytest.importorskip("torch", reason="templates need the extra `train`")
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.templates import load_template

    return load_template("anny")
