"""Write the Python stubs of the wire contract: `python proto/generate.py`.

The compiler is pinned (grpcio-tools 1.71.0 in the `dev` extra): stubs refuse runtimes that are
older than the compiler that wrote them, so its version is the floor that users must meet.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTO_ROOT = Path(__file__).parent
STUBS = PROTO_ROOT.parent / "sdk" / "mien" / "service" / "v1"
COMPILER = "1.71.0"
PACKAGE_DOC = '"""Generated from proto/mien/v1 by proto/generate.py. Never edit."""\n'


def generate(out: Path) -> list[Path]:
    """Write all stubs into the folder `out`; returns the files, sorted.

    Raises SystemExit when the compiler is not the pinned one or refuses the protos.
    """
    if version("grpcio-tools") != COMPILER:
        raise SystemExit(f"stubs are made with grpcio-tools=={COMPILER}: pip install -e '.[dev]'")
    protos = sorted((PROTO_ROOT / "mien" / "v1").glob("*.proto"))
    services = [path for path in protos if path.stem.endswith("_service")]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # gRPC stubs only where there is a service: the compiler writes empty modules otherwise.
        for files, outputs in (
            (protos, [f"--python_out={folder}", f"--pyi_out={folder}"]),
            (services, [f"--grpc_python_out={folder}"]),
        ):
            includes = [f"-I{PROTO_ROOT}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
            if protoc.main(["protoc", *includes, *outputs, *map(str, files)]) != 0:
                raise SystemExit("protoc refused the protos; its words stand above")
        for stub in Path(folder, "mien", "v1").iterdir():
            # The contract's package is mien.v1; its Python home is inside the service.
            text = stub.read_text().replace("from mien.v1 import", "from mien.service.v1 import")
            (out / stub.name).write_text(text)
    (out / "__init__.py").write_text(PACKAGE_DOC)
    return sorted(out.glob("*.py*"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=STUBS, help="folder for the stubs")
    for written in generate(parser.parse_args().out):
        print(written, file=sys.stderr)
