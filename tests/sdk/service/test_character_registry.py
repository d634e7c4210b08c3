"""What is animated is what is downloaded; names are unique; packages fit into a budget."""

import hashlib
import tracemalloc

import numpy as np
import onnx
import pytest
from support.packages import tiny_animator, tiny_content
from support.service import NEUTRAL, take
from support.wrinkles import wrinkled_package

import mien
from mien.budget import Budget
from mien.errors import InputError, PackageError
from mien.package import package_bytes, read_package, write_package
from mien.service import character_registry
from mien.service.character_registry import CharacterRegistry, ServedCharacter
from mien.service.statuses import LimitError


def frames(character):
    session = character.session(neutral=NEUTRAL)
    return np.stack([session.step(*moment).channels for moment in take(5)])


@pytest.fixture
def two_packages(tmp_path):
    """Paths of two packages that differ in the network alone."""
    manifest, files = tiny_content()
    one = write_package(tmp_path / "one.mien", manifest, files)
    other = files | {"animator.onnx": tiny_animator(seed=1)}
    return one, write_package(tmp_path / "two.mien", manifest, other)


@pytest.mark.parametrize("moment", ["before its manifest is read", "after it"])
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_package_that_is_replaced_while_it_is_loaded(
    two_packages, monkeypatch, as_folder, moment
):
    one, two = two_packages
    if as_folder:
        one, two = folder_of(one), folder_of(two)
    first = frames(mien.load(one))
    assert not np.allclose(first, frames(mien.load(two)))
    read_package = character_registry.read_package

    def replace():
        """Another process exports the character anew."""
        if two.exists():
            if as_folder:
                one.rename(one.with_suffix(".old"))
            two.replace(one)

    def read_and_replace(package, *budget):
        if moment == "before its manifest is read":
            replace()
            return read_package(package, *budget)
        opened = read_package(package, *budget)
        replace()
        return opened

    monkeypatch.setattr(character_registry, "read_package", read_and_replace)
    try:
        served = ServedCharacter.load(one)
    except PackageError:  # a folder has no one moment at which it is read: refused, never mixed
        assert as_folder
        return
    np.testing.assert_array_equal(frames(served.character), frames(mien.load(served.data)))
    if not as_folder:
        np.testing.assert_array_equal(frames(served.character), first)
    assert served.sha256 == hashlib.sha256(served.data).hexdigest()
    assert served.manifest_json.encode() == mien.load(served.data).package.source.read(
        "manifest.json"
    )


def folder_of(path):
    folder = path.with_suffix("")
    folder.mkdir()
    package = mien.load(path).package
    (folder / "manifest.json").write_bytes(package.manifest.to_json())
    for name in package.manifest.files:
        (folder / name).write_bytes(package.read_bytes(name))
    return folder


def test_a_folder_is_served_as_the_file_it_would_be(tmp_path):
    path = write_package(tmp_path / "a.mien", *tiny_content())
    assert ServedCharacter.load(folder_of(path)).data == path.read_bytes()


def test_a_registry_has_each_name_once(registry):
    with pytest.raises(InputError, match="two packages hold a character named 'Sphere'"):
        CharacterRegistry([registry["Sphere"]] * 2)
    assert list(registry) == ["Sphere"] and "nobody" not in registry and len(registry) == 1


def test_what_cannot_be_read_is_named(tmp_path):
    for name, content in (("absent.mien", None), ("text.mien", b"hello")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(mien.MienError, match=name):
            ServedCharacter.load(tmp_path / name)


@pytest.mark.parametrize("as_folder", [False, True])
def test_packages_are_charged_before_they_are_read(sphere_path, tmp_path, as_folder):
    path = sphere_path
    if as_folder:
        path = tmp_path / "sphere.mien"
        path.write_bytes(sphere_path.read_bytes())
        path = folder_of(path)
    budget = Budget(sphere_path.stat().st_size * 3 // 2, "bytes", "server", LimitError)
    served = ServedCharacter.load(path, budget)
    assert 0 < budget.spent <= len(served.data)
    with pytest.raises(LimitError, match="sphere"):
        ServedCharacter.load(path, budget)


def test_what_does_not_fit_is_not_read(tmp_path):
    folder = folder_of(write_package(tmp_path / "a.mien", *tiny_content()))
    with (folder / "preview.png").open("wb") as file:
        file.truncate(32 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match=r"preview\.png: needs 33554432 bytes"):
            ServedCharacter.load(folder, Budget(1 << 20, "bytes", "server", LimitError))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 << 20


def test_a_broken_detail_network_is_named_before_anybody_waits(tmp_path):
    package = read_package(wrinkled_package(tmp_path / "sound.mien"))
    model = onnx.load_from_string(package.read_bytes("detail.onnx"))
    model.graph.node[0].op_type = "NoSuchOperator"
    files = {name: package.read_bytes(name) for name in package.manifest.files}
    path = tmp_path / "broken.mien"
    path.write_bytes(
        package_bytes(package.manifest, files | {"detail.onnx": model.SerializeToString()})
    )
    with pytest.raises(PackageError, match=r"broken\.mien: .* detail\.onnx"):
        ServedCharacter.load(path)
