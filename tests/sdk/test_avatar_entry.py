"""What a manifest says of avatars: read back as written, refused by field, skipped if newer."""

import json
from dataclasses import replace

import pytest
from support.packages import tiny_content
from support.rigs import sphere_rig
from support.splat_avatars import avatar_package
from support.wrinkles import wrinkled_package

from mien.errors import PackageError
from mien.manifest import Manifest
from mien.package import package_bytes, read_package, verify_package
from mien_exporters.gltf import rig_to_glb


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return read_package(avatar_package(tmp_path_factory.mktemp("avatar") / "sphere.mien"))


@pytest.fixture(scope="module")
def manifest(package):
    return package.manifest


def changed(manifest: Manifest, change, **top) -> bytes:
    values = {**json.loads(manifest.to_json()), **top}
    change(values["avatars"][0])
    return json.dumps(values).encode()


def test_it_is_its_own_inverse_and_raises_the_version(manifest):
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.format_version == "1.1" and manifest.reader_min == "1.0"
    assert "avatars" not in tiny_content()[0].to_dict()


def test_detail_is_as_it_was(tmp_path):
    path = wrinkled_package(tmp_path / "s.mien")
    assert b"avatars" not in read_package(path).manifest.to_json()


CHANGES = {
    "kind": (lambda a: a.__setitem__("kind", "wax"), "'kind' is 'wax', expected one of splats"),
    "another kind's fields": (lambda a: a.__setitem__("kind", "volume"), "'samples' is missing"),
    "colour space": (lambda a: a.__setitem__("colour_space", "acescg"), "colour_space"),
    "no channels": (lambda a: a.__setitem__("channels", []), "channels' has 0"),
    "channel twice": (lambda a: a["channels"].append("jawOpen"), "holds 'jawOpen' twice"),
    "unknown channel": (lambda a: a["channels"].append("earWiggle"), "'earWiggle', which is no"),
    "no coefficients": (lambda a: a.__setitem__("coefficients", []), "coefficients' has 0"),
    "65 coefficients": (
        lambda a: a.__setitem__("coefficients", [str(k) for k in range(65)]), "has 65 names"
    ),
    "gaussians": (lambda a: a.__setitem__("gaussians", 0), "gaussians"),
    "far too many": (lambda a: a.__setitem__("gaussians", 1 << 30), "gaussians"),
    "upside down": (lambda a: a["bounds"].update(low_m=[1, 1, 1], high_m=[0, 0, 0]), "bounds"),
    "a kilometre": (lambda a: a["bounds"].update(high_m=[1000, 1, 1]), "bounds"),
    "flat bounds": (lambda a: a["bounds"].update(high_m=[1, 1]), "high_m"),
    "consent": (lambda a: a["consent"].__setitem__("kind", "none"), r"consent\.kind"),
    "no statement": (lambda a: a["consent"].__setitem__("statement", " "), r"consent\.statement"),
    "no consent": (lambda a: a.pop("consent"), "consent"),
    "no mark": (lambda a: a.__setitem__("synthetic_mark", " "), "synthetic_mark' is empty"),
    "mark gone": (lambda a: a.pop("synthetic_mark"), "synthetic_mark"),
    "not there": (lambda a: a["files"].__setitem__("splats", "b.glb"), "which 'files' does not"),
    "no glb": (lambda a: a["files"].__setitem__("splats", "animator.onnx"), r"a \.glb file"),
    "no onnx": (lambda a: a["files"].__setitem__("network", "character.glb"), r"an? \.onnx file"),
    "misspelt": (lambda a: a.__setitem__("gausians", 1), "'gausians' is unknown"),
    "misspelt file": (lambda a: a["files"].__setitem__("splat", "x"), "'splat' is unknown"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_no_reader_could_use_is_refused(manifest, name):
    change, match = CHANGES[name]
    with pytest.raises(PackageError, match=match):
        Manifest.from_json(changed(manifest, change))


def test_newer_minor_versions_may_have_other_avatars(manifest):
    newer = changed(manifest, lambda a: a.__setitem__("kind", "wax"), format_version="1.9")
    assert Manifest.from_json(newer).avatars == ()
    more = changed(manifest, lambda a: a.__setitem__("levels", 3), format_version="1.9")
    assert Manifest.from_json(more).avatars == manifest.avatars


def test_nine_avatars_are_too_many(manifest):
    with pytest.raises(PackageError, match="has 9 entries, expected at most 8"):
        replace(manifest, avatars=9 * manifest.avatars)


def test_an_avatar_needs_its_network(package):
    files = {name: package.read_bytes(name) for name in package.manifest.files}
    del files["avatar/splats.onnx"]
    models = {n: m for n, m in package.manifest.models.items() if n in files}
    bare = replace(package.manifest, files={}, models=models)
    with pytest.raises(PackageError, match=r"avatars\[0\]\.files\.network' is .*does not name"):
        package_bytes(bare, files)


@pytest.mark.parametrize("what", ["other tensors", "other mesh"])
def test_network_and_mesh_must_fit(package, what):
    manifest = replace(package.manifest, files={})
    files = {name: package.read_bytes(name) for name in package.manifest.files}
    (entry,) = manifest.avatars
    if what == "other tensors":
        fewer = replace(entry, coefficients=entry.coefficients[:-1])
        manifest = replace(manifest, avatars=(fewer,))
        match = "avatar/splats.onnx: has tensors"
    else:
        files["character.glb"] = rig_to_glb(sphere_rig(rows=10))
        match = "is of a mesh of 221 vertices, the character has 187"
    report = verify_package(package_bytes(manifest, files))
    assert match in " ".join(report.problems), report.problems
