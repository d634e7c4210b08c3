"""The documented commands leave ONNX Runtime with CUDA on top, tried with stand-in packages."""

import re
import shlex
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import onnxruntime
import pytest

from mien.errors import MissingExtraError
from mien.onnx_session import provider_names

ROOT = Path(__file__).parents[2]
SHARED = "onnxruntime/__init__.py"


def wheel(folder, name, requires=(), extras=(), files=None):
    """A wheel of `files`, version 1.99."""
    stem = f"{name.replace('-', '_')}-1.99"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.99"]
    metadata += [f"Requires-Dist: {one}" for one in requires]
    metadata += [f"Provides-Extra: {one}" for one in extras]
    content = {
        **(files or {}),
        f"{stem}.dist-info/METADATA": "\n".join(metadata),
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any",
    }
    record = f"{stem}.dist-info/RECORD"
    content[record] = "".join(f"{path},,\n" for path in (*content, record))
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)


@pytest.fixture
def wheels(tmp_path):
    """Both packages of ONNX Runtime, and one that asks for them as mien does."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base = [one for one in project["dependencies"] if one.startswith("onnxruntime")]
    gpu = [f'{one}; extra == "gpu"' for one in project["optional-dependencies"]["gpu"]]
    assert len(base) == len(gpu) == 1
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "mien", [*base, *gpu], ["gpu"])
    wheel(folder, "onnxruntime", files={SHARED: "cpu"})
    wheel(folder, "onnxruntime-gpu", files={SHARED: "gpu"})
    return folder


def documented_commands():
    text = (ROOT / "docs" / "run-folders.md").read_text()
    return re.findall(r"^    (pip install .+)$", text, re.MULTILINE)


@pytest.mark.parametrize("before", [[], ["onnxruntime"], ["mien"], ["mien", "onnxruntime-gpu"]])
def test_the_documented_commands_leave_the_gpu_package_on_top(wheels, tmp_path, before):
    pytest.importorskip("pip", reason="pip is not installed")
    place = tmp_path / "place"
    venv.create(place, with_pip=False)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    local = ["--no-index", "--find-links", str(wheels), "--no-compile", "-q"]

    def install(*arguments):
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", *arguments]
        done = subprocess.run([*pip, *local], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    if before:
        install(*before)
    for command in documented_commands():
        pip, verb, *arguments = shlex.split(command)
        assert (pip, verb) == ("pip", "install")
        install(*arguments)
    (installed,) = place.rglob(SHARED)
    assert installed.read_text() == "gpu"


def test_the_message_gives_the_documented_commands(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(MissingExtraError) as refused:
        provider_names("cuda")
    commands = documented_commands()
    assert len(commands) == 2
    for command in commands:
        assert command.replace('"', "'") in str(refused.value)
