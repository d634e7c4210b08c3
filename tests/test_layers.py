"""Imports point one way: between packages, between rooms of the training side, between files."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "mien": ROOT / "sdk/mien",
    "mien_exporters": ROOT / "exporters/mien_exporters",
    "mien_training": ROOT / "training/mien_training",
}
BANNED = {
    "mien": {"torch", "onnx", "scipy", "pygltflib", "mien_exporters", "mien_training"},
    "mien_exporters": {"torch", "warp", "mien_training"},
    "mien_training": set(),
}
ROOMS = (
    "head", "cameras", "geometry", "runs", "networks", "metrics", "rendering", "templates",
    "anatomy", "footage", "synthetic", "reports",
)  # fmt: skip
"""Rooms of the training side, bottom up: each imports only from those before it."""
METHODS = ("rig", "animator", "detail", "capture", "avatar")
"""Above all rooms, side by side."""
LARGEST_ROOM = 12
"""Files directly in one folder of the training side."""


def module_of(path: Path, package: str) -> str:
    name = ".".join((package, *path.relative_to(PACKAGES[package]).with_suffix("").parts))
    return name.removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports; `from a import b` gives a.b, whatever b is."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def runtime_imports(path: Path) -> Iterator[str]:
    """As `imports`, without those that only type checkers see."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(package: str) -> list[Path]:
    found = sorted(PACKAGES[package].rglob("*.py"))
    assert found, f"no sources of {package}"
    return found


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_packages_import_one_way(package: str) -> None:
    for path in sources(package):
        used = {name.partition(".")[0] for name in imports(path)}
        assert not used & BANNED[package], path


def room_of(module: str) -> str | None:
    """The folder directly below mien_training; None for files that lie there themselves."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in (*ROOMS, *METHODS) else None


def upward_imports(edges: dict[str, set[str]]) -> list[str]:
    """Imports from a room to one that is not below it."""
    rank = {room: k for k, room in enumerate(ROOMS)} | dict.fromkeys(METHODS, len(ROOMS))
    found = []
    for module, used in edges.items():
        here = room_of(module)
        for name in used if here else ():
            there = room_of(name)
            if there is None:
                found.append(f"{module} imports {name}, which lies above all rooms")
            elif there != here and rank[there] >= rank[here]:
                found.append(f"{module} imports {name}")
    return found


def package_edges(
    package: str, read: Callable[[Path], Iterator[str]] = imports
) -> dict[str, set[str]]:
    """Module -> modules of the same package that it imports."""
    modules = {module_of(path, package): path for path in sources(package)}
    edges: dict[str, set[str]] = {}
    for module, path in modules.items():
        edges[module] = set()
        for name in read(path):
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules and target not in (module, package):
                edges[module].add(target)
    return edges


def cycles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one node (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(component)

    for node in edges:
        if node not in index:
            visit(node)
    return found


def test_rooms_import_downwards_and_methods_never_each_other() -> None:
    assert not upward_imports(package_edges("mien_training"))


def test_the_order_of_rooms_is_checked() -> None:
    bad = {"mien_training.head.template": {"mien_training.rig.fit"}}
    assert upward_imports(bad)
    assert upward_imports({"mien_training.rig.fit": {"mien_training.animator.train"}})
    assert not upward_imports({"mien_training.rig.fit": {"mien_training.head.template"}})


def test_every_folder_of_the_training_side_is_a_room_or_a_method() -> None:
    folders = {p.parent.name for p in PACKAGES["mien_training"].glob("*/__init__.py")}
    assert set(ROOMS) <= folders <= {*ROOMS, *METHODS}


def test_rooms_stay_small() -> None:
    for folder in {path.parent for path in sources("mien_training")}:
        files = [p for p in folder.glob("*.py") if p.name != "__init__.py"]
        assert len(files) <= LARGEST_ROOM, f"{folder}: {len(files)} files, split it"


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_no_file_imports_itself_through_others(package: str) -> None:
    assert not cycles(package_edges(package, runtime_imports))


def test_cycles_are_found() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) != []
    assert cycles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_grpc_stays_under_the_service() -> None:
    for path in sources("mien"):
        if "service" not in path.relative_to(ROOT).parts:
            assert not {n.partition(".")[0] for n in imports(path)} & {"grpc", "google"}, path


def test_warp_stays_under_the_avatar() -> None:
    for path in sources("mien"):
        if "avatar" not in path.relative_to(ROOT).parts:
            used = {n for n in imports(path) if n.partition(".")[0] == "warp" or "kernels" in n}
            assert not used, path


def test_the_runtime_loads_light() -> None:
    heavy = {"torch", "warp", "grpc", "onnx", "scipy", "av", "PIL", "tyro", "rich"}
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
    for folder in ("sdk", "exporters", "training", "tests", "proto", "samples"):
        assert not (ROOT / folder / "__init__.py").exists()
