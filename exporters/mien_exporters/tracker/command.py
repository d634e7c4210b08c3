"""`mien export tracker`: the nets inside face_landmarker.task become the tracker's ONNX files."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from mien import __version__
from mien.atomic import write_atomically
from mien.errors import InputError
from mien_exporters.tracker.convert import NETS, convert_net
from mien_exporters.tracker.tflite_graph import read_tflite

__all__ = ["ExportTracker", "run"]

_LICENCE = "Apache-2.0"
_SOURCE = "MediaPipe Face Landmarker, Copyright The MediaPipe Authors (Google)"


@dataclass(frozen=True)
class ExportTracker:
    """Convert MediaPipe's face landmarker to the ONNX nets of mien's tracker."""

    task: Path
    """The face_landmarker.task file: a zip of three TFLite nets."""
    out: Path
    """Folder for the ONNX files and models.json; made if absent."""


def run(config: ExportTracker) -> int:
    """Write the three nets and, last, `models.json` with hashes, licence and origin.

    Raises InputError when the task file is missing or is not MediaPipe's face landmarker.
    """
    task = _read_task(config.task)
    source_sha256 = hashlib.sha256(task).hexdigest()
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(task)) as archive:
            for spec in NETS:
                source = read_tflite(archive.read(spec.source_name), spec.source_name)
                metadata = {
                    "licence": _LICENCE,
                    "source": f"{_SOURCE}: {spec.source_name}",
                    "source_sha256": source_sha256,
                }
                model = convert_net(source, spec, metadata)
                files[f"{spec.name}.onnx"] = model.SerializeToString(deterministic=True)
    except zipfile.BadZipFile as error:
        raise InputError(f"{config.task}: not a task file ({error}); expected a zip") from error
    except KeyError as error:
        raise InputError(f"{config.task}: not the face landmarker ({error.args[0]})") from error
    sidecar = {
        "licence": _LICENCE,
        "source": _SOURCE,
        "source_sha256": source_sha256,
        "converter": f"mien {__version__}",
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in files.items()
        },
    }
    files["models.json"] = (json.dumps(sidecar, indent=2) + "\n").encode()
    config.out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_atomically(config.out / name, data)
        print(f"{config.out / name}: {len(data):,} bytes")
    return 0


def _read_task(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
