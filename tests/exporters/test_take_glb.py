"""A real take through a package: the animated GLB's weights are the clip's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.heads import HEADS, head
from support.packages import FEATURES, tiny_animator

import mien
from mien.channels import ARKIT_CHANNELS
from mien.clip import Clip
from mien.frame_table import FrameTable
from mien.glb import read_rig, read_weights_animation
from mien.manifest import Consent
from mien.take import Take
from mien_exporters.export import build_character
from mien_exporters.gltf import rig_to_glb
from mien_exporters.take_glb import write_take_glb


@pytest.fixture(params=HEADS)
def character(request: pytest.FixtureRequest, tmp_path: Path) -> mien.Character:
    rig = head(request.param)
    path = build_character(
        tmp_path / "head.mien",
        rig,
        tiny_animator(channels=len(rig.shape_names)),
        channels=rig.shape_names,
        features=FEATURES,
        licence="CC0-1.0",
        consent=Consent("synthetic", "A test head."),
    )
    return mien.load(path)


def test_real_take_comes_out_as_it_went_in(
    character: mien.Character, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    clip = Clip.read(shared_data("livelink_rom/alex_rom_3.csv"))
    take = Take(character, FrameTable(character.drive(clip)), source="alex_rom_3.csv")
    write_take_glb(tmp_path / "take.glb", take)
    glb = (tmp_path / "take.glb").read_bytes()
    back = read_weights_animation(glb, "take")
    assert len(back) == len(clip) > 4000
    assert set(back.names) == set(character.channel_names) <= set(ARKIT_CHANNELS)
    for name in back.names:
        # The phone overshoots (up to 1.05); glTF weights are clamped, everything else is exact.
        np.testing.assert_array_equal(back[name], clip[name].clip(0, 1), err_msg=name)
    assert all(clip[name].max() > 0 for name in ("jawOpen", "browInnerUp"))
    np.testing.assert_allclose(back.times_s, clip.times_s - clip.times_s[0], atol=1e-5)
    np.testing.assert_array_equal(
        read_rig(glb, character.name).shape_deltas, character.rig.shape_deltas
    )


def test_a_take_may_be_only_turning() -> None:
    """Head angles without any shape are an animation too."""
    turn = Clip(("headYaw",), np.array([0.0, 1.0]), np.array([[0], [0.5]], np.float32))
    back = read_weights_animation(rig_to_glb(head("sphere"), {"turn": turn}))
    assert not back.values.any()
