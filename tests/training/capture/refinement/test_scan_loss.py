"""The loss is nothing at the truth, whatever the order of points, and outliers end to pull."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.readings import perfect_reading

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.capture.learning.scan_reading import FaceSight, ScanReading
from mien_training.capture.refinement.mesh_levels import skin_vertices
from mien_training.capture.refinement.scan_loss import ScanLoss, ScanTarget, ScanTerms
from mien_training.capture.skin_regions import skin_regions


@pytest.fixture(scope="module")
def moment(seen_head, anny):
    """A scan of every third vertex of the face, and a registration without fault."""
    plain = perfect_reading(anny, seen_head, anny.vertices)
    truth, chosen = plain.truth, skin_vertices(anny)
    face = np.flatnonzero(skin_regions(anny)["face"])[::3]
    eye = np.linalg.inv(plain.camera_from_head[0])[:3, 3].astype(np.float32)
    corners = anny.triangles[np.isin(anny.triangles, face).any(1)][:20].astype(np.int64)
    shares = np.tile(np.float32([0.5, 0.25, 0.25]), (20, 1))
    ways = (truth[corners] * shares[..., None]).sum(1) - eye
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    sight = FaceSight(np.tile(eye, (20, 1)), ways, corners, shares, np.ones(20, np.float32))
    normals = vertex_normals(truth, anny.triangles)
    return ScanReading(
        replace(plain, start=truth), truth[face], normals[face], truth[chosen], sight
    )


@pytest.fixture(scope="module")
def chosen(anny):
    return torch.from_numpy(skin_vertices(anny))


@pytest.fixture(scope="module")
def loss(anny, chosen):
    return ScanLoss.of(anny, chosen, ScanTerms())


def moved(target, scale=1e-3):
    wave = torch.sin(60 * target.shape[:, [1, 2, 0]])
    return target.shape + scale * wave


def test_nothing_at_the_truth_and_every_term_off_it(moment, anny, chosen, loss):
    target = ScanTarget.of(moment, chosen)
    assert float(loss(target.shape, target)) < 2e-3
    nothing = dict.fromkeys(("points", "normals", "edges", "sight", "vertices"), 0.0)
    for name in nothing:
        alone = replace(loss, terms=ScanTerms(**{**nothing, name: 1.0}))
        assert float(alone(target.shape, target)) < 1e-3 < float(alone(moved(target), target)), name


def test_the_order_of_points_changes_nothing(moment, chosen, loss):
    order = np.random.default_rng(0).permutation(len(moment.points))
    one, two = (ScanTarget.of(moment, chosen, which) for which in (None, order))
    found = moved(one)
    torch.testing.assert_close(loss(found, one), loss(found, two), atol=1e-6, rtol=1e-6)


def test_outliers_end_to_pull(moment, chosen, anny):
    terms = ScanTerms(1.0, 0.0, 0.0, 0.0, 0.0, scale_m=0.002, reach_m=0.03, agree=-1.0)
    loss = ScanLoss.of(anny, chosen, terms)

    def pull(off_m):
        points = moment.points + np.float32(off_m)
        target = ScanTarget.of(replace(moment, points=points), chosen)
        found = target.shape.clone().requires_grad_()
        value = loss(found, target)
        value.backward()
        return float(value.detach()), float(found.grad.norm())

    near, far = (pull(m * moment.normals) for m in (0.001, 0.015))
    gone = pull([0.0, 0.0, 0.3])
    assert near[0] < far[0] < 2.0 and far[1] < 0.2 * near[1]
    assert gone == (0.0, 0.0)


def test_gradients(moment, chosen, anny, loss):
    some = np.arange(0, len(moment.points), 40)
    target = ScanTarget.of(moment, chosen, some)
    found = moved(target).double()
    match = loss.match(found.float(), target)
    part = torch.from_numpy(np.random.default_rng(1).normal(size=found.shape))
    part = 1e-3 * torch.nn.functional.normalize(part, dim=0)

    def along(step):
        return loss(found + step * part, target, match)

    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(along, step, eps=1e-3, atol=1e-5, rtol=1e-3)


def test_without_registration_the_first_shape_counts(moment, chosen, anny):
    bare = replace(moment.reading, truth=np.zeros((0, 3), np.float32))
    target = ScanTarget.of(replace(moment, reading=bare), chosen)
    assert target.known is None
    np.testing.assert_array_equal(target.shape.numpy(), moment.places)
    terms = ScanTerms(0.0, 0.0, 0.0, 0.0, 1.0)
    assert float(ScanLoss.of(anny, chosen, terms)(moved(target), target)) == 0.0


@pytest.mark.parametrize("options", [{"points": -1.0}, {"scale_m": 0.0}, {"agree": 1.0}])
def test_nonsense_is_refused(options):
    with pytest.raises(InputError, match="ScanTerms"):
        ScanTerms(**options)
