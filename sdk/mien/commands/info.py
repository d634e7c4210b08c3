"""`mien info`: what a character package says of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mien.avatar_kinds import Avatar, SplatsEntry
from mien.manifest import Manifest, Tensor
from mien.package import read_package

__all__ = ["InfoConfig", "run"]


@dataclass(frozen=True)
class InfoConfig:
    """Show a character package's manifest."""

    package: Annotated[Path, tyro.conf.Positional]
    """The character, a .mien file or folder."""
    json: bool = False
    """Print the manifest as one JSON object on stdout and nothing else there."""


def run(config: InfoConfig) -> int:
    """Read the manifest (and nothing else: `mien verify` checks the files), print it."""
    manifest = read_package(config.package).manifest
    if config.json:
        print(json.dumps(manifest.to_dict(), allow_nan=False))
    else:
        _print(manifest)
    return 0


def _print(manifest: Manifest) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    about = Table.grid(padding=(0, 2))
    about.add_column(style="bold")
    for label, value in (
        ("name", manifest.name),
        ("id", manifest.id),
        ("licence", manifest.licence),
        ("consent", f"{manifest.consent.kind}: {manifest.consent.statement}"),
        ("format", manifest.format_version),
        ("channels", f"{len(manifest.channels)}: {', '.join(manifest.channels)}"),
        ("features", f"{manifest.feature_size} values: {', '.join(manifest.features)}"),
        ("rate", f"{manifest.rate_hz:g} Hz"),
        *(("avatar", _avatar(one)) for one in manifest.avatars),
    ):
        about.add_row(label, escape(value))
    console.print(about)
    files = Table("file", "bytes", "takes", "gives", title="files", title_justify="left")
    files.columns[1].justify = "right"
    for name, entry in sorted(manifest.files.items()):
        model = manifest.models.get(name)
        files.add_row(
            escape(name),
            f"{entry.size:,}",
            escape(_shown(model.inputs)) if model else "",
            escape(_shown(model.outputs)) if model else "",
        )
    console.print(files)
    if manifest.provenance:
        console.print("[bold]provenance[/bold]")
        console.print_json(json.dumps(dict(manifest.provenance)))


def _avatar(avatar: Avatar) -> str:
    consent = f"{avatar.consent.kind}: {avatar.consent.statement}"
    if isinstance(avatar, SplatsEntry):
        return f"{avatar.gaussians:,} Gaussians, {len(avatar.coefficients)} maps; {consent}"
    return f"volume, {avatar.anchors:,} anchors, {sum(avatar.samples)} samples a ray; {consent}"


def _shown(tensors: tuple[Tensor, ...]) -> str:
    return "\n".join(f"{t.name}[{', '.join(map(str, t.shape))}]" for t in tensors)
