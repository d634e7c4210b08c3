"""Pictures of one moment agree only on the person's own face."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.stills import three_stills

from mien.errors import InputError
from mien_training.rig.facing import LandmarkPoints
from mien_training.rig.fit import fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.known_truth import KnownPerson
from mien_training.rig.landmark_fit import LandmarkFitConfig
from mien_training.rig.measures import vertex_errors_mm
from mien_training.rig.observations import observe
from mien_training.rig.regions import compared_triangles, face_region
from mien_training.rig.stereo import StereoConfig, fit_stereo
from mien_training.rig.stereo_places import (
    disagreement,
    logarithms,
    picture_lights,
    visible_places,
)
from mien_training.templates import load_template

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = RigFitConfig(
    points=LandmarkFitConfig(steps=100),
    stereo=StereoConfig(shrink=(2, 1), steps=80, places=3000),
    steps=2,
    texture_side=64,
    smoothing="surface",
)


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def person(template):
    return KnownPerson.make(template, 3, texture_side=512)


@pytest.fixture(scope="module")
def seen(person):
    return observe(three_stills(person))


@pytest.fixture(scope="module")
def fitted(template, seen):
    return fit_rig(template, seen, SMALL)


def test_views_bring_the_neutral_nearer_than_points_do(template, person, seen, fitted):
    face = face_region(template)
    modes = torch.from_numpy(template.identity.modes)
    people = torch.tensordot(fitted.points.identity, modes, dims=1).numpy()
    heads = (template.vertices, template.vertices + people, fitted.model.rig.arrays()[0])
    mean, points, found = (
        np.median(vertex_errors_mm(head, person.neutral, face, "rigid")) for head in heads
    )
    assert found < 0.8 * mean and found < 0.9 * points


def test_one_moment_has_no_expression(template, seen, fitted):
    weights = fitted.motion_at(seen).weights
    eyes = torch.tensor([n.startswith(("eyeBlink", "eyeLook")) for n in template.shape_names])
    assert (weights[:, ~eyes] == 0).all() and (fitted.points.motion.weights[:, ~eyes] == 0).all()
    np.testing.assert_array_equal(fitted.model.rig.arrays()[1], template.shape_deltas)


@pytest.fixture(scope="module")
def places(template, person, seen):
    faces = torch.from_numpy(template.triangles).long()
    compared = torch.from_numpy(compared_triangles(template, False))
    vertices = torch.from_numpy(person.neutral)
    rng = torch.Generator().manual_seed(0)
    found = visible_places(vertices, faces, compared, seen, (256, 256), 2000, rng)
    return vertices, faces, found


def test_places_are_seen_twice_and_only_from_in_front(seen, places):
    vertices, faces, found = places
    assert ((found.weight > 0).sum(0) != 1).all() and (found.weight > 0).any(1).all()
    side = (found.at(vertices, faces)[:, 0] > 0.03) & (found.weight > 0).any(0)
    # Cameras 1 and 2 stand on either side: what is far left is hidden from one of them.
    left, right = (found.weight[n][side].mean() for n in (1, 2))
    assert max(left, right) > 2 * min(left, right)


def test_the_true_face_agrees_best_and_exposure_does_not_matter(seen, places):
    vertices, faces, found = places
    pictures = logarithms(seen.images, 1)

    def loss(head, pictures):
        light = picture_lights(head, faces, found, pictures, seen)
        return float(disagreement(head, faces, found, pictures, seen, light))

    deeper = vertices + torch.tensor([0.0, 0.0, -0.003])
    assert loss(vertices, pictures) < 0.8 * loss(deeper, pictures)
    brighter = pictures + torch.tensor([0.2, 0.0, -0.3])[:, None, None, None]
    assert loss(vertices, brighter) == pytest.approx(loss(vertices, pictures), rel=0.05)


def test_masks_hide_what_lies_outside(template, seen, places):
    vertices, faces, _ = places
    compared = torch.from_numpy(compared_triangles(template, False))
    masks = torch.zeros(seen.images.shape[:3], dtype=torch.bool)
    masks[:, 128:] = True
    rng = torch.Generator().manual_seed(0)
    part = replace(seen, masks=masks)
    found = visible_places(vertices, faces, compared, part, (256, 256), 500, rng)
    place = found.at(vertices, faces)
    pixels = seen.views.pixels(seen.camera, place.expand(3, -1, -1))
    assert (found.weight[pixels[..., 1] < 127] == 0).all() and (found.weight > 0).any()


def test_pictures_that_never_agree_leave_the_face_alone(template, seen, fitted):
    stereo = replace(SMALL.stereo, shrink=(2,), steps=3, most_disagreement=1e-6)
    fit = fit_rig(template, seen, replace(SMALL, stereo=stereo))
    assert fit.disagreement > 1e-6 and fitted.disagreement < 0.04
    assert not fit.model.rig.u_neutral.any()
    assert torch.equal(fit.model.rig.identity, fit.points.identity)


def test_one_picture_is_refused(template, seen, fitted):
    alone = replace(seen, camera=seen.camera[:1])
    faces = torch.from_numpy(template.triangles).long()
    marks = LandmarkPoints(template)
    with pytest.raises(InputError, match="two or more"):
        fit_stereo(fitted.model.rig, fitted.points.motion, alone, marks, faces, faces[:, 0] >= 0)
    with pytest.raises(InputError, match="StereoConfig"):
        StereoConfig(shrink=())
