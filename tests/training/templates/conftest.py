"""Templates are built once a session, or read from the user's cache."""

import tarfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def anny():
    pytest.importorskip("torch", reason="templates need the extra `train`")
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.templates import load_template

    return load_template("anny")


@pytest.fixture(scope="session")
def ict_folder(tmp_path_factory) -> Path:
    from conftest import find_shared_data

    archive = find_shared_data("ict_facekit/ict-facekit.tar.xz")
    if archive is None:
        pytest.skip("real data 'ict_facekit' is not here (set MIEN_DATA to its folder)")
    folder = tmp_path_factory.mktemp("ict")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return next(folder.rglob("generic_neutral_mesh.obj")).parent
