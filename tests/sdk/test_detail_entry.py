"""What a manifest says of skin detail: read back as written, refused by field."""

import json
from dataclasses import replace

import pytest
from support.packages import tiny_content
from support.wrinkles import sphere_detail, wrinkled_package

from mien.errors import PackageError
from mien.manifest import Manifest
from mien.package import read_package, verify_package
from mien_exporters.detail.detail_files import detail_files


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    path = wrinkled_package(tmp_path_factory.mktemp("detail") / "sphere.mien")
    return read_package(path).manifest


def test_it_is_its_own_inverse_and_raises_the_version(manifest):
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.format_version == "1.1" and manifest.reader_min == "1.0"
    assert tiny_content()[0].format_version == "1.0"
    assert "detail" not in tiny_content()[0].to_dict()


def test_maps_by_size(manifest):
    entry = manifest.detail
    assert entry.find("static", "normal", 1000).size == 32
    assert entry.find("static", "normal", 5).size == 32  # the only size there is


CHANGES = {
    "regions twice": lambda d: d["regions"].__setitem__(1, d["regions"][0]),
    "no regions": lambda d: d.__setitem__("regions", []),
    "unknown part": lambda d: d["maps"][0].__setitem__("part", "wet"),
    "unknown kind": lambda d: d["maps"][0].__setitem__("kind", "bump"),
    "upside down range": lambda d: d["maps"][0].update(low_m=0.01, high_m=-0.01),
    "a metre deep": lambda d: d["maps"][0].__setitem__("high_m", 1.0),
    "a missing map": lambda d: d["maps"].pop(0),
    "a map twice": lambda d: d["maps"].append(d["maps"][0]),
    "too few tiles": lambda d: d["masks"].update(columns=1, rows=1),
    "a file that is not there": lambda d: d["maps"][0].__setitem__("file", "detail/none.png"),
    "intensity": lambda d: d.__setitem__("intensity", 5),
    "texcoord": lambda d: d.__setitem__("texcoord", 7),
    "sizes that differ": lambda d: d["maps"][0].__setitem__("size", 16),
    "no png": lambda d: d["masks"].__setitem__("file", "animator.onnx"),
    "a misspelt field": lambda d: d.__setitem__("intensty", 1),
    "a huge mask": lambda d: d["masks"].__setitem__("size", 1 << 20),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_no_reader_could_use_is_refused(manifest, name):
    values = json.loads(manifest.to_json())
    CHANGES[name](values["detail"])
    with pytest.raises(PackageError, match="detail"):
        Manifest.from_json(json.dumps(values).encode())


def test_detail_needs_its_network(manifest, tmp_path):
    values = json.loads(manifest.to_json())
    del values["models"]["detail.onnx"], values["files"]["detail.onnx"]
    without = Manifest.from_json(json.dumps(values).encode())
    assert without.detail is not None
    run = sphere_detail()
    files, _ = detail_files(run, run.channel_names, None)
    base, content = tiny_content()
    broken = replace(base, detail=manifest.detail)
    content |= {name: data for name, data in files.items() if not name.endswith(".onnx")}
    from mien.package import package_bytes

    report = verify_package(package_bytes(broken, content))
    assert not report.ok and "detail.onnx: is missing" in report.problems[0]
