"""The rig's own footage: frames that differ most, where the fit had them; files that have gone."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.performances import write_true_run

from mien.errors import InputError
from mien_training.detail.fit.performed_frames import performed_frames
from mien_training.footage.own_footage import OwnFootage, own_footage
from mien_training.templates.person import read_person

ANGLES = np.array([[0, 0, 0], [0.25, 0, 0], [-0.25, 0, 0], [0.1, 0.1, 0], [-0.1, -0.1, 0],
                   [0.4, 0, 0]], np.float64)  # fmt: skip


@pytest.fixture(scope="module")
def run(wrinkled, footage, tmp_path_factory):
    """A perfect fit's folder, and the film beside it."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "film").mkdir()
    for number, image in enumerate(footage.images):
        Image.fromarray(image).save(folder / "film" / f"{number}.png")
    write_true_run(
        folder / "rig", wrinkled.person, "Ada", folder / "film", footage.camera, footage.weights,
        ANGLES, 30.0,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def person(run):
    return read_person(run / "rig")[0]


@pytest.fixture(scope="module")
def own(run):
    return own_footage(run / "rig")


def test_heads_lie_where_they_were(person, own, footage):
    found = performed_frames(person, own, 256, 20)
    np.testing.assert_array_equal(found.images.numpy(), footage.images)
    np.testing.assert_allclose(found.vertices.numpy(), footage.vertices, atol=2e-5)
    np.testing.assert_array_equal(found.weights, footage.weights)
    np.testing.assert_allclose(found.views.intrinsics[0].numpy(), footage.camera.K, rtol=1e-5)


def test_lost_frames_are_left_out_and_few_are_those_that_differ(person, own, footage):
    lost = np.isin(np.arange(6), [1, 5])
    some = OwnFootage(replace(own.performance, lost=lost), own.sources)
    found = performed_frames(person, some, 256, 3)
    assert len(found.images) == 3
    images = found.images.numpy()
    assert not any((image == footage.images[row]).all() for image in images for row in (1, 5))
    with pytest.raises(InputError, match="film: the rig's fit lost every frame"):
        gone = OwnFootage(replace(own.performance, lost=np.ones(6, np.bool_)), own.sources)
        performed_frames(person, gone, 256, 3)


def test_two_cameras_of_one_moment_are_two_views(person, own):
    """The same pose, and yet not the same image."""
    p = own.performance
    side = p.cameras[0].crop.camera.camera_from_world.copy()
    side[:3, :3] = side[:3, :3] @ np.array([[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]])
    crop = p.cameras[0].crop
    other = replace(crop, camera=replace(crop.camera, camera_from_world=side))
    row = np.zeros(2, np.int64)
    names = ("frame", "clock_s", "time_s", "weights", "rotation_xyzw", "translation", "trusted",
             "lost", "points_px", "face_px")  # fmt: skip
    one_moment = replace(
        p, cameras=(p.cameras[0], replace(p.cameras[0], crop=other)), camera=np.arange(2),
        **{name: getattr(p, name)[row] for name in names},
    )  # fmt: skip
    found = performed_frames(person, OwnFootage(one_moment, own.sources * 2), 256, 20)
    assert found.camera.tolist() == [0, 1]


def test_faces_too_small_and_other_shapes_are_refused(person, own):
    with pytest.raises(InputError, match=r"film: the face is \d+ pixels large, expected at least"):
        performed_frames(person, own, 128, 20)
    fewer = replace(
        person, shape_names=person.shape_names[:3], shape_deltas=person.shape_deltas[:3]
    )
    with pytest.raises(InputError, match="shapes are not the 3 of 'Ada'"):
        performed_frames(fewer, own, 256, 20)


def test_files_that_are_gone_or_others_are_named(run, tmp_path):
    rig = tmp_path / "rig"
    shutil.copytree(run / "rig", rig)
    film = tmp_path / "film"

    def refused(words):
        with pytest.raises(InputError, match=words + ".*name videos or images of the person"):
            own_footage(rig, ", or name videos or images of the person")

    (rig / "config.json").write_text(json.dumps({"sources": [str(film)]}))
    refused(r"film: not there any more, and the rig .* was fitted to it")
    shutil.copytree(run / "film", film)
    assert own_footage(rig).sources == (film,)
    Image.new("RGB", (256, 256)).save(film / "9.png")
    refused("film: changed since the rig .* was fitted to it")
    (rig / "config.json").write_text(json.dumps({"sources": ["other.mp4"]}))
    refused(r"config\.json: field 'sources' lacks 'film'")
    (rig / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json"):
        own_footage(rig)
    (rig / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json: cannot be read"):
        own_footage(rig)
    (rig / "performance.npz").unlink()
    refused(r"performance\.npz: not there.*fit the rig again")
