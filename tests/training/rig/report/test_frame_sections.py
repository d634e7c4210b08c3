"""Every caption says which frame it is, and what is wrong with it."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.rig_scene import recorded_scene, small_person

from mien_training.rig.report.fitted_scene import FittedScene, choose_frames
from mien_training.rig.report.frame_sections import performance_section, standing_out_section
from mien_training.rig.robust.frame_report import NamedFrame


@pytest.fixture(scope="module")
def scene():
    filmed = recorded_scene(small_person())
    named = (NamedFrame(2, 5, 0.333, 0.7, "lost <where>"),)
    fit = replace(filmed.fit, frames=replace(filmed.fit.frames, named=named))
    return FittedScene.of(filmed.person, filmed.seen, fit)


def captions(text: str) -> list[str]:
    return re.findall("<figcaption>(.*?)</figcaption>", text)


def test_the_worst_are_shown_with_their_figures_and_reasons(scene):
    text = standing_out_section(scene, show_frames=True)
    found = captions(text)
    assert len(found) == 10
    assert found[0].startswith(
        "camera 2, frame 5, 0.33 s · points 0.70 px, colours 2.5 of 255 apart · lost &lt;where&gt;"
    )
    (by_colour,) = [c for c in found if "colours 5.1 of 255" in c]
    assert by_colour.startswith("camera 1, frame 5, 0.33 s · points 0.20 px")
    assert sum("lost" in caption for caption in found) == 1
    assert "<td>lost &lt;where&gt;</td>" in text
    assert text.count("data:image/jpeg;base64,") == 10
    assert len(text) < 10 * 80_000


def test_few_frames_are_not_shown_twice(scene):
    few = torch.arange(4)
    fit = replace(scene.fit, frames=replace(scene.fit.frames, named=()))
    small = replace(scene, seen=scene.seen.subset(few), fit=fit)
    text = standing_out_section(small, show_frames=True)
    assert not captions(text) and "None was lost" in text


def test_the_performance_names_what_was_held_out(scene):
    rows = choose_frames(scene.weights, scene.seen.camera.numpy(), 6)
    held = replace(scene.fit, held_out=np.array(rows[2:3]))
    found = captions(performance_section(replace(scene, fit=held), show_frames=False))
    assert len(found) == 6
    assert all(re.match(r"camera [12], \d\.\d\d s · ", caption) for caption in found)
    assert [("held out" in caption) for caption in found] == [False, False, True] + 3 * [False]
