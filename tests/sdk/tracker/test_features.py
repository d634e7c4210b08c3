"""Driver features: layout, invariance to head pose, neutral subtraction, choice of a neutral."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import ChannelError, InputError
from mien.rotation import matrix_from_quaternion, quaternion_from_rotation_vector
from mien.tracker import (
    FEATURE_GROUPS,
    FaceTrack,
    FeatureLayout,
    Tracker,
    driver_features,
    estimate_neutral,
    subtract_neutral,
)
from mien.tracker.canonical import canonical_vertices

GOLDEN = Path(__file__).parents[2] / "golden"
ALL = FeatureLayout(tuple(FEATURE_GROUPS))


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    (face,) = Tracker().track(np.asarray(Image.open(GOLDEN / "astronaut.jpg").convert("RGB")))
    return face


def test_slices_tile_the_vector_in_the_given_order() -> None:
    layout = FeatureLayout(("deep", "scores", "head_rotation"))
    assert layout.size == 512 + 52 + 3
    assert layout.slices == {
        "deep": slice(0, 512), "scores": slice(512, 564), "head_rotation": slice(564, 567),
    }  # fmt: skip
    assert layout.names_and_sizes == (("deep", 512), ("scores", 52), ("head_rotation", 3))


@pytest.mark.parametrize("groups", [(), ("scores", "scores"), ("scores", "smell")])
def test_senseless_layouts_are_refused(groups: tuple[str, ...]) -> None:
    with pytest.raises(ChannelError, match="feature groups"):
        FeatureLayout(groups)


def test_features_are_the_tracks_own_values(track: FaceTrack) -> None:
    features = driver_features(track, ALL)
    assert features.shape == (ALL.size,) and features.dtype == np.float32
    for group in ("scores", "deep", "deep_map"):
        np.testing.assert_array_equal(features[ALL.slices[group]], getattr(track, group))
    rotation = features[ALL.slices["head_rotation"]]
    back = quaternion_from_rotation_vector(rotation)
    assert abs(float(back @ track.head_rotation_xyzw)) == pytest.approx(1.0, abs=1e-6)


def test_order_of_groups_only_reorders(track: FaceTrack) -> None:
    layout = FeatureLayout(("head_rotation", "landmarks", "scores"))
    for group in layout.groups:
        np.testing.assert_array_equal(
            driver_features(track, layout)[layout.slices[group]],
            driver_features(track, ALL)[ALL.slices[group]],
        )


def test_landmark_features_do_not_see_the_heads_place_size_or_turn(track: FaceTrack) -> None:
    layout = FeatureLayout(("landmarks",))
    rotation = matrix_from_quaternion(quaternion_from_rotation_vector((0.3, -0.5, 0.2)))
    moved = replace(
        track, landmarks=(track.landmarks @ rotation.T * 1.7 + (40, -90, 12)).astype(np.float32)
    )
    np.testing.assert_allclose(
        driver_features(moved, layout), driver_features(track, layout), atol=1e-4
    )


def test_landmark_features_are_centimetres_on_the_canonical_face(track: FaceTrack) -> None:
    points = driver_features(track, FeatureLayout(("landmarks",))).reshape(478, 3)
    away = np.linalg.norm(points[:468] - canonical_vertices(), axis=1)
    assert np.median(away) < 0.8 and away.max() < 3.0


def test_subtraction_leaves_the_heads_rotation_alone(track: FaceTrack) -> None:
    features = driver_features(track, ALL)
    difference = subtract_neutral(features, features, ALL)
    pose = ALL.slices["head_rotation"]
    np.testing.assert_array_equal(difference[pose], features[pose])
    assert not difference[: pose.start].any()
    batch = subtract_neutral(np.stack([features, features * 2]), features, ALL)
    np.testing.assert_allclose(batch[1, : pose.start], features[: pose.start], atol=1e-6)


def test_sizes_that_do_not_fit_the_layout_are_refused(track: FaceTrack) -> None:
    features = driver_features(track, ALL)
    with pytest.raises(InputError, match="neutral has shape"):
        subtract_neutral(features, features[:-1], ALL)
    with pytest.raises(InputError, match="frames have shape"):
        estimate_neutral(features, ALL)
    with pytest.raises(InputError, match="not finite"):
        estimate_neutral(np.full((3, ALL.size), np.nan, np.float32), ALL)


def recording(layout: FeatureLayout, rest: np.ndarray) -> np.ndarray:
    """60 frames: every third relaxed and frontal, the others speak or look aside."""
    rng = np.random.default_rng(5)
    frames = np.tile(rest, (60, 1)) + rng.normal(0, 1e-3, (60, layout.size))
    speaking = np.arange(60) % 3 == 1
    aside = np.arange(60) % 3 == 2
    for group, part in layout.slices.items():
        if group == "head_rotation":
            frames[aside, part] += 0.6
        else:
            width = part.stop - part.start
            frames[speaking, part] += rng.uniform(0.2, 1.0, (speaking.sum(), width))
            frames[aside, part] += rng.uniform(0.0, 0.3, (aside.sum(), width))
    return frames


@pytest.mark.parametrize(
    "groups", [("scores", "landmarks", "head_rotation"), ("landmarks", "head_rotation"), ("deep",)]
)
def test_the_neutral_is_the_relaxed_frontal_face(groups: tuple[str, ...]) -> None:
    layout = FeatureLayout(groups)
    rest = np.random.default_rng(6).uniform(0, 0.2, layout.size)
    if "head_rotation" in groups:
        rest[layout.slices["head_rotation"]] = 0
    frames = recording(layout, rest)
    if "head_rotation" not in groups:
        frames = frames[np.arange(60) % 3 != 1]  # without pose, only the median face is a guide
    neutral = estimate_neutral(frames, layout)
    np.testing.assert_allclose(neutral, rest, atol=0.2 if groups == ("deep",) else 0.01)
    order = np.random.default_rng(7).permutation(len(frames))
    np.testing.assert_allclose(estimate_neutral(frames[order], layout), neutral, atol=1e-6)


def test_one_frame_is_its_own_neutral(track: FaceTrack) -> None:
    features = driver_features(track, ALL)
    np.testing.assert_array_equal(estimate_neutral(features[None], ALL), features)
