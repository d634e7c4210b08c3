"""ICT-FaceKit's files, where the real data are."""

import tarfile
from pathlib import Path

from conftest import find_shared_data

__all__ = ["unpack_ict"]


def unpack_ict(folder: Path) -> Path | None:
    """The folder of its OBJ files below `folder`; None if the data are not here."""
    archive = find_shared_data("ict_facekit/ict-facekit.tar.xz")
    if archive is None:
        return None
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return next(folder.rglob("generic_neutral_mesh.obj")).parent
