"""The .mien file: read, verify, write.

A zip (or a plain folder of the same content) with manifest.json first. The manifest lists every
other file with its size and SHA-256. Opening a package reads its bytes once, and checks its
directory and manifest; the SHA-256 of a file is verified on each read. Everything refused raises
PackageError with the file's name in the message.

Memory: the package itself, and at most 40 MiB plus three times its size for what is unpacked and
decoded from it (`mien.budget`), in total.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mien.atomic import write_atomically
from mien.avatar.playback.avatar_tensors import avatar_tensors
from mien.avatar.playback.splat_file import read_splat_model
from mien.avatar.playback.volume_file import read_volume_model
from mien.avatar_kinds import Avatar, SplatsEntry
from mien.budget import Budget, decoding_budget
from mien.detail_images import check_detail_image
from mien.errors import InputError, PackageError
from mien.glb import read_rig
from mien.manifest import FileEntry, Manifest
from mien.model_signature import check_signature, read_signature, signature_of
from mien.onnx_content import check_model_content
from mien.package_source import MANIFEST, PackageSource, open_source
from mien.rig import Rig
from mien.skeleton import check_joints

__all__ = [
    "ANIMATOR",
    "CHARACTER",
    "DETAIL",
    "Package",
    "Report",
    "package_bytes",
    "read_package",
    "verify_package",
    "write_package",
]

CHARACTER, ANIMATOR, DETAIL = "character.glb", "animator.onnx", "detail.onnx"
REQUIRED = (CHARACTER, ANIMATOR)

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The zip format's earliest date: the same content gives the same bytes on every day."""


@dataclass(frozen=True, eq=False)
class Package:
    """An opened package, held in memory. Files are verified when they are read.

    What happens to the file or folder on disk after `read_package` changes nothing here.
    """

    manifest: Manifest
    source: PackageSource

    def __contains__(self, name: object) -> bool:
        return name in self.manifest.files

    def read_bytes(self, name: str) -> bytes:
        """The verified content of one file.

        Raises InputError for a name that the manifest does not list, PackageError when size or
        hash are not what the manifest says, and for a model that is not complete in its own bytes
        (`mien.onnx_content`).
        """
        return bytes(self.verified(name))

    def rig(self) -> Rig:
        """The rig in character.glb; PackageError if it is broken, has other joints than every
        rig (`mien.rig.JOINT_NAMES`), or its shapes are not the manifest's channels."""
        data = self.verified(CHARACTER)
        where = f"{self.source.where}: {CHARACTER}"
        name = self.manifest.name
        budget = decoding_budget(self.source.size, f"{name}.glb")
        try:
            budget.spend(self.source.unpacks(CHARACTER), "unpacking")
            rig = read_rig(data, name, budget)
        except InputError as error:
            raise PackageError(f"{where}: {error}") from None
        check_joints(rig.joints, where, PackageError)
        self._check_channels(rig.shape_names)
        return rig

    def verified(self, name: str) -> memoryview:
        """`read_bytes` without a copy, where the file is stored as it is."""
        if name not in self.manifest.files:
            raise InputError(
                f"{self.source.where}: has no file {name!r}, "
                f"only {', '.join(sorted(self.manifest.files))}"
            )
        data = self.source.view(name)
        if hashlib.sha256(data).hexdigest() != self.manifest.files[name].sha256:
            raise PackageError(
                f"{self.source.where}: {name}: altered: its SHA-256 is not the manifest's"
            )
        if name in self.manifest.models:
            check_model_content(data, f"{self.source.where}: {name}")
        return data

    def check_model(self, name: str, session: Any) -> None:
        """Hold an opened `onnxruntime.InferenceSession` of file `name` against the manifest."""
        where = f"{self.source.where}: {name}"
        check_signature(signature_of(session, where), self.manifest.models[name], where)

    def _check_channels(self, shape_names: tuple[str, ...]) -> None:
        channels = self.manifest.channels
        # By name: the order of morph targets is the GLB's own affair.
        if set(shape_names) != set(channels):
            only_glb = sorted(set(shape_names) - set(channels))
            only_manifest = sorted(set(channels) - set(shape_names))
            raise PackageError(
                f"{self.source.where}: {CHARACTER}: its morph targets are not the manifest's "
                f"channels (only in the GLB: {', '.join(only_glb) or 'none'}; "
                f"only in the manifest: {', '.join(only_manifest) or 'none'})"
            )


@dataclass(frozen=True)
class Report:
    """What `verify_package` found."""

    where: str
    problems: tuple[str, ...]
    """One message for each thing wrong; empty for a sound package."""
    checked: tuple[str, ...]
    """Names of the files that were read and hashed."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def read_package(package: str | os.PathLike[str] | bytes, budget: Budget | None = None) -> Package:
    """Open a .mien file, a folder of the same content, or the bytes of one.

    Its bytes are read once and kept, and charged to `budget` before they are read; directory and
    manifest are checked now, each file when it is read. Raises PackageError for whatever is refused
    (docs/package-format.md has the list), and what `budget` raises.
    """
    source = open_source(package, budget)
    where = source.where
    manifest = Manifest.from_json(source.read(MANIFEST), f"{where}: {MANIFEST}")
    missing = sorted(set(manifest.files) - set(source.sizes))
    if missing:
        raise PackageError(f"{where}: {missing[0]}: is missing, the manifest lists it")
    unlisted = sorted(set(source.sizes) - set(manifest.files) - {MANIFEST})
    if unlisted:
        raise PackageError(f"{where}: {unlisted[0]}: is not in the manifest")
    for name, entry in manifest.files.items():
        if source.sizes[name] != entry.size:
            raise PackageError(
                f"{where}: {name}: altered: has {source.sizes[name]} bytes, "
                f"the manifest says {entry.size}"
            )
    for name in REQUIRED:
        if name not in manifest.files:
            raise PackageError(f"{where}: {name}: is missing, every character has one")
    _check_animator(manifest, where)
    _check_detail(manifest, where)
    _check_avatars(manifest, where)
    return Package(manifest, source)


def _check_animator(manifest: Manifest, where: str) -> None:
    """The animator's declared tensors must fit the declared features and channels."""
    signature = manifest.models[ANIMATOR]
    names = tuple(t.name for t in signature.inputs), tuple(t.name for t in signature.outputs)
    if names != (("x", "h0", "c0"), ("channels", "hn", "cn")):
        raise PackageError(
            f"{where}: {ANIMATOR}: takes {', '.join(names[0])[:200]} and gives "
            f"{', '.join(names[1])[:200]}, "
            "expected x, h0, c0 and channels, hn, cn"
        )
    for tensor, size, meaning in (
        (signature.inputs[0], manifest.feature_size + 1, "feature_size + 1 (the time step)"),
        (signature.outputs[0], len(manifest.channels), "the number of channels"),
    ):
        if len(tensor.shape) != 3 or tensor.shape[2] != size:
            raise PackageError(
                f"{where}: {ANIMATOR}: {tensor.name} has shape {list(tensor.shape)}, "
                f"expected [batch, time, {size}]: {meaning}"
            )


def _check_detail(manifest: Manifest, where: str) -> None:
    """Characters with detail have the network that gives its weights, of these tensors."""
    if manifest.detail is None:
        return
    if DETAIL not in manifest.models:
        raise PackageError(
            f"{where}: {DETAIL}: is missing, the manifest's field 'detail' needs it for "
            f"{len(manifest.detail.regions)} weights"
        )
    signature = manifest.models[DETAIL]
    found = [(t.name, t.dtype, t.shape) for t in (*signature.inputs, *signature.outputs)]
    expected = [
        ("channels", "float32", ("batch", len(manifest.channels))),
        ("weights", "float32", ("batch", len(manifest.detail.regions))),
    ]
    if found != expected:
        raise PackageError(f"{where}: {DETAIL}: has tensors {found}, expected {expected}")


def _check_avatars(manifest: Manifest, where: str) -> None:
    """The networks of avatars have the tensors that their entries need."""
    for index, avatar in enumerate(manifest.avatars):
        for file, told in avatar_tensors(avatar).items():
            signature = manifest.models[file]
            found = [(t.name, t.dtype, t.shape) for t in (*signature.inputs, *signature.outputs)]
            expected = [(name, "float32", shape) for name, shape in told]
            if found != expected:
                raise PackageError(
                    f"{where}: {file}: has tensors {found}, expected {expected} "
                    f"(field 'avatars[{index}]')"
                )


def verify_package(package: str | os.PathLike[str] | bytes) -> Report:
    """Check everything: every hash, the GLB's channels, every model's real signature.

    Never raises PackageError: what is wrong stands in the report. A package that cannot even be
    opened gives a report of that one problem.
    """
    try:
        opened = read_package(package)
    except PackageError as error:
        where = "package" if isinstance(package, bytes) else str(package)
        return Report(where, (str(error),), ())
    problems: list[str] = []
    checked: list[str] = []
    for name in sorted(opened.manifest.files):
        try:
            _verify_file(opened, name)
            checked.append(name)
        except PackageError as error:
            problems.append(str(error))
    return Report(opened.source.where, tuple(problems), tuple(checked))


def _verify_file(package: Package, name: str) -> None:
    if name == CHARACTER:
        package.rig()
        return
    data = package.verified(name)
    if name in package.manifest.models:
        where = f"{package.source.where}: {name}"
        check_signature(read_signature(bytes(data), where), package.manifest.models[name], where)
    elif avatars := [a for a in package.manifest.avatars if a.files[a.kind] == name]:
        where = f"{package.source.where}: {name}"
        count = _vertex_count(data, avatars[0], where)
        vertices = len(package.rig().vertices)
        if count != vertices:
            raise PackageError(
                f"{where}: is of a mesh of {count} vertices, the character has {vertices}"
            )
    elif name.endswith(".png") and package.manifest.detail is not None:
        check_detail_image(data, name, package.manifest.detail, f"{package.source.where}: {name}")


def _vertex_count(data: memoryview, avatar: Avatar, where: str) -> int:
    """Of the mesh that an avatar hangs on; everything in its file is checked."""
    if isinstance(avatar, SplatsEntry):
        return read_splat_model(data, avatar, where).anchors.vertex_count
    return read_volume_model(data, avatar, where).anchors.vertex_count


def package_bytes(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    """The bytes of a package: `manifest`, its `files` entries filled in, and the files.

    Stored, not deflated: textures are packed already, a host can map the networks straight from
    the file, and the bytes do not depend on a version of zlib. Same input, same bytes.
    """
    entries = {
        name: FileEntry(hashlib.sha256(data).hexdigest(), len(data)) for name, data in files.items()
    }
    content = {MANIFEST: replace(manifest, files=entries).to_json()}
    content |= {name: files[name] for name in sorted(files)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name, _FIXED_TIME)
            info.create_system = 3  # Unix on every system, so that the permissions mean the same
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def write_package(
    path: str | os.PathLike[str], manifest: Manifest, files: Mapping[str, bytes]
) -> Path:
    """Write a package that `verify_package` passes, whole or not at all; returns its path.

    `manifest.files` is filled in from `files`. Raises PackageError, before anything is written,
    for content that a reader would refuse.
    """
    data = package_bytes(manifest, files)
    report = verify_package(data)
    if not report.ok:
        raise PackageError(f"{path}: not written: {'; '.join(report.problems)}")
    return write_atomically(path, data)
