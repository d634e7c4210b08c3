"""Distances to planes and spheres are exact, gradients are those of the distance, outliers end."""

import numpy as np
import pytest
import torch

from mien_training.capture.refinement.surface_match import geman_mcclure, match_surface


@pytest.fixture(scope="module")
def round_mesh(sphere):
    vertices, triangles = (np.asarray(x) for x in sphere(24, 48, radius=0.1)[:2])
    return torch.from_numpy(vertices).double(), torch.from_numpy(triangles.astype(np.int64))


def match(mesh, triangles, points, normals=None, reach=10.0, agree=-2.0, matched=None):
    normals = torch.zeros_like(points) if normals is None else normals
    matched = np.ones(len(triangles), np.bool_) if matched is None else matched
    return match_surface(mesh, triangles, matched, points, normals, reach, agree)


def test_exact_on_a_plane():
    square = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]).double()
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]])
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.uniform(-0.9, 0.9, (50, 3)))
    found = match(square, triangles, points)
    places = found.places(square)
    torch.testing.assert_close(places[:, :2], points[:, :2], atol=1e-6, rtol=0)
    assert places[:, 2].abs().max() < 1e-12
    torch.testing.assert_close(
        found.normals(square, triangles), torch.tensor([[0.0, 0, 1]]).double().expand(50, 3)
    )


def test_on_a_sphere_to_its_facets(round_mesh):
    mesh, triangles = round_mesh
    points = torch.from_numpy(np.random.default_rng(1).normal(size=(200, 3)))
    points = 0.13 * torch.nn.functional.normalize(points, dim=1)
    found = match(mesh, triangles, points)
    far = (found.places(mesh) - points).norm(dim=1)
    assert (far > 0.03 - 1e-7).all() and (far < 0.031).all()
    facing = (found.normals(mesh, triangles) * points / 0.13).sum(1)
    assert facing.min() > 0.98


def test_gates(round_mesh):
    mesh, triangles = round_mesh
    way = torch.nn.functional.normalize(torch.tensor([[1.0, 2, 3], [3, -2, 1]]).double(), dim=1)
    points = torch.stack([0.102 * way[0], 0.12 * way[1]])
    assert match(mesh, triangles, points, way, 0.01).valid.tolist() == [True, False]
    assert match(mesh, triangles, points, -way, 10.0, 0.5).valid.tolist() == [False, False]
    assert match(mesh, triangles, points, 0 * way, 10.0, 0.5).valid.tolist() == [True, True]
    none = np.zeros(len(triangles), np.bool_)
    assert not match(mesh, triangles, points, way, matched=none).valid.any()


def test_gradients_are_those_of_the_distance_itself(round_mesh):
    mesh, triangles = round_mesh
    points = torch.from_numpy(np.random.default_rng(2).normal(size=(40, 3)))
    points = 0.11 * torch.nn.functional.normalize(points, dim=1)

    def distances(at):
        return (match(at, triangles, points).places(at) - points).norm(dim=1).sum()

    at = mesh.clone().requires_grad_()
    distances(at).backward()
    rng = np.random.default_rng(3)
    for _ in range(3):
        way = 1e-5 * torch.from_numpy(rng.normal(size=mesh.shape))
        change = distances(mesh + way) - distances(mesh - way)
        assert abs(float(change) - 2 * float((at.grad * way).sum())) < 0.01 * abs(float(change))


def test_geman_mcclure():
    d = torch.linspace(0, 1000, 2001).double()
    found = geman_mcclure(d**2, 10.0)
    assert found[0] == 0 and (found.diff() > 0).all() and found.max() < 10
    torch.testing.assert_close(found[1:3], d[1:3], atol=0.01, rtol=0)  # as it is, near zero
    steps = torch.linspace(0, 3, 7).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: geman_mcclure(x**2, 2.0, 0.1), steps)
    assert geman_mcclure(torch.zeros(1), 10.0, 0.1) == 0
