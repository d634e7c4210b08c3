"""Cameras and films find each other by name, or the message says why not."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.foreign_cameras import LENSES, random_cameras

from mien.errors import InputError
from mien_training.cameras.imports.foreign_camera import ForeignCamera
from mien_training.cameras.imports.names import cameras_by_name

CAMERAS = list(random_cameras(LENSES["none"]).values())


def model(*pictures):
    """A camera of its own for each picture; those of one folder "same.." share one."""
    return [
        ForeignCamera(picture, CAMERAS[0 if "same" in picture else number % 4])
        for number, picture in enumerate(pictures)
    ]


def matched(pictures, films=()):
    found = cameras_by_name(model(*pictures), [Path(film) for film in films], "model")
    return {name: one.picture for name, one in found.items()}


def test_pictures_keep_their_names():
    assert matched(["a/left.png", "a/right.png"]) == {
        "left.png": "a/left.png",
        "right.png": "a/right.png",
    }


def test_folders_name_cameras_whose_pictures_repeat():
    assert matched(["a/1.png", "b/1.png"]) == {"a": "a/1.png", "b": "b/1.png"}
    assert matched(["same/1.png", "same/2.png", "b/1.png"]) == {
        "same": "same/1.png",
        "b": "b/1.png",
    }


@pytest.mark.parametrize(
    ("films", "expected"),
    [
        (["x/1.png"], "a/1.png"),
        (["2.mp4"], "b/2.png"),
        (["b.mp4", "a.mov"], "b/2.png"),
        (["films/b"], "b/2.png"),
        (["deep.mp4"], "deep/images/3.png"),
    ],
)
def test_films_take_the_nearest_name(films, expected):
    pictures = ["a/1.png", "b/2.png", "deep/images/3.png"]
    found = matched(pictures, films)
    assert found[Path(films[0]).name] == expected and len(found) == len(films)


def test_whole_names_go_before_stems_and_stems_before_folders():
    pictures = ["left.png", "left.jpg", "left/a.png"]
    assert matched(pictures, ["left.jpg"]) == {"left.jpg": "left.jpg"}
    assert matched(["x/left.png", "left/a.png"], ["left.mp4"]) == {"left.mp4": "x/left.png"}


def test_names_with_points_in_them():
    assert matched(["cam.1", "cam.2"], ["cam.2"]) == {"cam.2": "cam.2"}
    assert matched(["cam1.a.png"], ["cam1.a.mp4"]) == {"cam1.a.mp4": "cam1.a.png"}


@pytest.mark.parametrize(
    ("pictures", "films", "message"),
    [
        (["1.png", "2.png"], ["me.mp4"], r"no camera for 'me.mp4' in model; it has 1.png, 2.png"),
        (["1.png"], ["me.mp4"], "frames of one moving camera are no calibration"),
        (["me/1.png", "me/2.png"], ["me.mp4"], "2 pictures of 'me.mp4' .*different places"),
        (["a/1.png", "a/2.png", "b/1.png"], [], r"2 pictures of 'a' \(a/1.png, a/2.png\)"),
        (["a/1.png", "b/1.png"], ["1.mp4"], "'1.mp4' may be any of a/1.png, b/1.png in model"),
        (["a/x/1.png", "b/x/1.png"], [], "several pictures are called '1.png'.*expected --names"),
        (["a.png"], ["x/a.png", "y/a.png"], "two are called 'a.png'"),
        (["b/a.png"], ["a.mp4", "b.mp4"], "'a.mp4' and 'b.mp4' both take the camera of b/a.png"),
    ],
)
def test_ambiguous_names(pictures, films, message):
    with pytest.raises(InputError, match=message):
        matched(pictures, films)


def test_the_same_camera_is_told_by_pose_and_lens():
    moved = CAMERAS[0].camera_from_world.copy()
    moved[0, 3] += 1e-3
    for other in (
        replace(CAMERAS[0], camera_from_world=moved),
        replace(CAMERAS[0], k1=0.1),
        CAMERAS[0].resized(10, 10),
    ):
        pair = [ForeignCamera("a/1.png", CAMERAS[0]), ForeignCamera("a/2.png", other)]
        with pytest.raises(InputError, match="different places or with different lenses"):
            cameras_by_name(pair, [Path("a")], "model")
