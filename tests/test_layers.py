"""Imports point one way: mien <- mien_exporters <- mien_training; the runtime loads no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BANNED = {
    "sdk": {"torch", "onnx", "scipy", "pygltflib", "warp", "mien_exporters", "mien_training"},
    "exporters": {"torch", "warp", "mien_training"},
    "training": set(),
}


def imported_packages(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("folder", sorted(BANNED))
def test_imports_point_one_way(folder: str) -> None:
    sources = sorted((ROOT / folder).rglob("*.py"))
    assert sources, f"no sources under {folder}/"
    for path in sources:
        assert not imported_packages(path) & BANNED[folder], path


def test_grpc_stays_under_the_service() -> None:
    for path in sorted((ROOT / "sdk").rglob("*.py")):
        if "service" not in path.relative_to(ROOT).parts:
            assert not imported_packages(path) & {"grpc", "google"}, path


def test_the_runtime_loads_light() -> None:
    heavy = {"torch", "grpc", "onnx", "scipy", "av", "PIL", "tyro", "rich"}
    code = f"import sys, mien; print(sorted({heavy!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]", loaded.stdout + loaded.stderr
    assert "torch" not in loaded.stderr


def test_every_name_at_the_top_is_there_and_lazy() -> None:
    code = (
        "import sys, mien\n"
        "for name in mien.__all__:\n"
        "    if name != 'connect': getattr(mien, name)\n"
        "print('grpc' in sys.modules, mien.connect.__module__, 'grpc' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "mien.service.client", "True"], done.stderr


def test_no_packages_directly_in_top_level_folders() -> None:
    for folder in (*BANNED, "tests", "proto", "samples"):
        assert not (ROOT / folder / "__init__.py").exists()
