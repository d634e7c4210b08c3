"""Clips -> weights and joint rotations: by name, clamped, never turned twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.rigs import sphere_rig

from mien.clip import Clip
from mien.errors import ChannelError
from mien.rotation import quaternion_from_angles, quaternion_multiply
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_animation import rotation_tracks, weights_of


def clip_of(**channels: list[float]) -> Clip:
    values = np.array(list(channels.values()), np.float32).T
    return Clip(tuple(channels), np.arange(len(values)) / 30, values)


def test_weights_follow_names_and_are_clamped() -> None:
    weights = weights_of(clip_of(BrowInnerUp=[0.5, 2.0], jawOpen=[-1.0, 0.25]), sphere_rig())
    np.testing.assert_array_equal(weights, [[0, 0, 0.5], [0.25, 0, 1]])


def test_neck_and_head_together_make_the_head_rotation() -> None:
    angles = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 3)).astype(np.float32)
    clip = Clip(("headYaw", "headPitch", "headRoll"), np.arange(20) / 30, angles)
    tracks = rotation_tracks(clip, sphere_rig())
    assert set(tracks) == {"neck", "head"}
    whole = quaternion_multiply(tracks["neck"], tracks["head"])
    expected = quaternion_from_angles(angles)
    np.testing.assert_allclose(np.abs((whole * expected).sum(axis=1)), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(tracks["head"], axis=1), 1, atol=1e-6)


def test_rotations_stay_in_one_hemisphere() -> None:
    yaw = np.linspace(0, 4 * np.pi, 90).tolist()
    track = rotation_tracks(clip_of(headYaw=yaw), sphere_rig())["head"]
    assert (np.einsum("tx,tx->t", track[1:], track[:-1]) > 0).all()


def test_eyes_turn_by_joints_only_where_no_shape_does_it() -> None:
    clip = clip_of(leftEyeYaw=[0.0, 0.2], rightEyePitch=[0.1, 0.0])
    rig = sphere_rig()
    assert set(rotation_tracks(clip, rig)) == {"leftEye", "rightEye"}
    gazing = replace(rig, shape_names=("jawOpen", "eyeLookInLeft", "browInnerUp"))
    assert rotation_tracks(clip, gazing) == {}


def test_a_still_head_gets_no_track() -> None:
    assert rotation_tracks(clip_of(jawOpen=[0, 1], headYaw=[0, 0]), sphere_rig()) == {}


def test_unknown_and_useless_channels_are_refused() -> None:
    with pytest.raises(ChannelError, match="jawOpne"):
        rig_to_glb(sphere_rig(), {"take": clip_of(jawOpen=[0, 1], jawOpne=[0, 1])})
    with pytest.raises(ChannelError, match="none of its 1 channels"):
        rig_to_glb(sphere_rig(), {"take": clip_of(tongueOut=[0, 1])})
