"""The contract explains itself: a comment on every service, method, message, field and oneof."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

PROTO = Path(__file__).parents[1] / "proto"
FILES = sorted((PROTO / "mien" / "v1").glob("*.proto"))

# Field numbers in descriptor.proto, of which the paths of SourceCodeInfo are made.
_MESSAGE, _SERVICE, _FIELD, _ONEOF, _METHOD = 4, 6, 2, 8, 2


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    out = tmp_path_factory.mktemp("proto") / "all.binpb"
    flags = [f"-I{PROTO}", f"--descriptor_set_out={out}", "--include_source_info"]
    assert protoc.main(["protoc", *flags, *map(str, FILES)]) == 0
    return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file


def elements(file) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every element's name and its path in SourceCodeInfo."""
    for i, service in enumerate(file.service):
        yield service.name, (_SERVICE, i)
        for j, method in enumerate(service.method):
            yield f"{service.name}.{method.name}", (_SERVICE, i, _METHOD, j)
    for i, message in enumerate(file.message_type):
        yield message.name, (_MESSAGE, i)
        for j, field in enumerate(message.field):
            yield f"{message.name}.{field.name}", (_MESSAGE, i, _FIELD, j)
        for j, oneof in enumerate(message.oneof_decl):
            if not oneof.name.startswith("_"):  # the compiler's own, behind `optional`
                yield f"{message.name}.{oneof.name}", (_MESSAGE, i, _ONEOF, j)


def test_everything_has_a_comment(described):
    missing = []
    count = 0
    for file in described:
        commented = {
            tuple(place.path)
            for place in file.source_code_info.location
            if place.leading_comments.strip()
        }
        for name, path in elements(file):
            count += 1
            if path not in commented:
                missing.append(f"{file.name}: {name}")
    assert not missing
    assert count > 100


def test_folder_package_and_version_agree(described):
    for file in described:
        assert file.package == "mien.v1" and file.syntax == "proto3", file.name
        assert not file.enum_type and all(not m.nested_type for m in file.message_type), file.name


def test_units_stand_in_names(described):
    """Floating-point fields that measure something say in what; the others are listed here."""
    without = {"x", "y", "z", "w", "features", "channels", "detail", "avatar", "scores", "presence",
               "confidence", "beta", "min_presence"}  # fmt: skip
    units = ("_s", "_hz", "_m", "_px")
    kinds = (descriptor_pb2.FieldDescriptorProto.TYPE_FLOAT,
             descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE)  # fmt: skip
    for file in described:
        for message in file.message_type:
            for field in message.field:
                if field.type in kinds and field.name not in without:
                    assert field.name.endswith(units), f"{message.name}.{field.name}"
