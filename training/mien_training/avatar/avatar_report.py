"""A page that shows an avatar beside frames that it has not learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mien.atomic import write_atomically
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.judge import Draw, over_grey, truth_over_grey
from mien_training.reports.charts import history_charts
from mien_training.reports.head_stills import png_bytes
from mien_training.reports.html import cards, figure, page, section, table

__all__ = ["write_avatar_report"]

_SHOWN = 8
_NOTHING = "Nothing: the film shows every shape, turns to all sides, and where hair ends."
_LEAD = "The avatar's pictures are made by the mien SDK: they show nothing that was filmed."
_LEAD_OF_FRAMES = f"{_LEAD} Above them are the film's own frames, for comparison."


def write_avatar_report(
    folder: Path, film: AvatarFilm, draws: Mapping[str, Draw], metrics: Mapping[str, Any],
    show_frames: bool,
) -> Path:  # fmt: skip
    """Write `report.html` into an existing folder; draws: by kind of avatar, as the metrics name
    them; show_frames False: without the film's pixels."""
    frames = list(film.held_out) or list(range(len(film)))
    chosen = [frames[i] for i in np.linspace(0, len(frames) - 1, _SHOWN).astype(int)]
    rows = []
    if show_frames:
        rows.append(np.concatenate([truth_over_grey(film, f) for f in chosen], 1))
    for draw in draws.values():
        drawn = [draw(f) for f in chosen]
        rows.append(np.concatenate([over_grey(image) for image in drawn], 1))
        rows.append(np.concatenate([np.repeat(image[..., 3:], 3, -1) for image in drawn], 1))
    sheet = np.rint(255 * np.concatenate(rows).clip(0, 1)).astype(np.uint8)
    held = metrics["held_out"]
    regions = list(held[next(iter(draws))])
    lines = [[name, *[f"{v[r]:.4f}" if r == "alpha" else f"{v[r]:.1f}" for r in regions if r in v]]
             for name, v in held.items()]  # fmt: skip
    numbers = {"frames": str(metrics["frames"]), "mattes": metrics["mattes"]}
    curves = []
    for kind in draws:
        told = metrics[kind]
        numbers[f"head, held out, {kind}"] = f"{held[kind]['head']:.1f} dB"
        if "gaussians" in told:
            numbers["Gaussians"] = str(told["gaussians"])
            numbers["lost by the bake"] = f"{told['bake_loss_db']:.2f} dB"
        took = f"{told['steps']} steps, {told['wall_s']:.0f} s, {told['cpu_s']:.0f} s of processors"
        numbers[f"training, {kind}"] = took
        losses = [{"round": h["step"], f"loss, {kind}": h["loss"]} for h in told["history"]]
        curves.append(history_charts(losses))
    advice = [[line] for line in metrics["advice"] or [_NOTHING]]
    body = [
        cards([(figure_of, words) for words, figure_of in numbers.items()]),
        section(
            "Frames that were held out",
            figure(
                png_bytes(sheet),
                "the avatar in frames that were held out",
                f"{'Above the film, then ' if show_frames else ''}{' then '.join(draws)}, each "
                "with its coverage below.",
            ),
        ),
        section(
            "How near it comes",
            table(["way", *regions], lines),
        ),
        section("What to film again", table([], advice)),
        section("Training", "".join(curves)),
    ]  # fmt: skip
    lead = _LEAD_OF_FRAMES if show_frames else _LEAD
    path = folder / "report.html"
    write_atomically(path, page(f"Avatar of {film.person.name}", lead, body).encode())
    return path
