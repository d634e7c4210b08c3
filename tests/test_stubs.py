"""The committed stubs are those that proto/generate.py writes."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
STUBS = ROOT / "sdk" / "mien" / "service" / "v1"


def test_stubs_are_fresh(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "proto" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    sys.modules["generate"] = generate
    spec.loader.exec_module(generate)
    fresh = {path.name: path.read_text() for path in generate.generate(tmp_path)}
    committed = {path.name: path.read_text() for path in STUBS.glob("*.py*")}
    remedy = "the stubs are stale: .venv/bin/python proto/generate.py"
    assert sorted(fresh) == sorted(committed), remedy
    for name, text in fresh.items():
        assert text == committed[name], f"{name}: {remedy}"


def test_only_services_have_grpc_stubs() -> None:
    with_grpc = {path.name.removesuffix("_pb2_grpc.py") for path in STUBS.glob("*_pb2_grpc.py")}
    protos = {path.stem for path in (ROOT / "proto" / "mien" / "v1").glob("*.proto")}
    assert with_grpc == {name for name in protos if name.endswith("_service")}
    assert len(with_grpc) == 3
