"""What tests of templates and rigs share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ict_folder(tmp_path_factory) -> Path:
    """ICT-FaceKit's OBJ files; skips without them."""
    from support.ict import unpack_ict

    folder = unpack_ict(tmp_path_factory.mktemp("ict"))
    if folder is None:
        pytest.skip("real data 'ict_facekit' is not here (set MIEN_DATA to its folder)")
    return folder
