"""Light: what the nine numbers, the highlights and the gains each do."""

import pytest
import torch

from mien.errors import InputError
from mien_training.rendering.appearance import Appearance, harmonics, srgb_from_linear


def points(n: int = 200, seed: int = 0):
    g = torch.Generator().manual_seed(seed)
    normals = torch.nn.functional.normalize(torch.randn(n, 3, generator=g), dim=-1)
    sight = torch.tensor([0.0, 0.0, 1.0]).expand(n, 3)
    uv = torch.rand(n, 2, generator=g)
    return torch.zeros(n, dtype=torch.long), uv, normals, sight, torch.zeros(n, dtype=torch.long)


def test_harmonics_are_orthonormal_over_the_sphere():
    g = torch.Generator().manual_seed(0)
    n = torch.nn.functional.normalize(torch.randn(400000, 3, generator=g), dim=-1)
    basis = harmonics(n)
    gram = 4 * torch.pi * basis.T @ basis / len(n)
    torch.testing.assert_close(gram, torch.eye(9), atol=0.02, rtol=0)


def test_srgb_is_the_standards_curve_with_a_slope_everywhere():
    x = torch.tensor([0.0, 0.002, 0.5, 1.0, 2.0], requires_grad=True)
    y = srgb_from_linear(x)
    torch.testing.assert_close(
        y[:4].detach(), torch.tensor([0.0, 0.02584, 0.735358, 1.0]), atol=1e-4, rtol=0
    )
    y.sum().backward()
    assert torch.isfinite(x.grad).all() and (x.grad > 0).all()


def test_a_fresh_surface_is_grey_from_all_sides():
    colour = Appearance(2, 16, 1)(*points()).detach()
    assert (colour.max() - colour.min()) < 0.08  # but for the first trace of highlights
    assert colour.mean() == pytest.approx(float(srgb_from_linear(torch.tensor(0.45))), abs=0.04)


def test_each_point_reads_its_own_material_and_camera():
    surface = Appearance(2, 16, 2)
    with torch.no_grad():
        surface.highlight_log_colour.fill_(-20)
        surface.textures[1].fill_(0.1)
        surface.log_gain.fill_(-1.0)
    material, uv, normals, sight, camera = points(4)
    material[1] = material[3] = 1
    camera[2:] = 1
    gain = torch.tensor([1.0, 1.0, 0.3679, 0.3679])
    expected = srgb_from_linear(torch.tensor([0.45, 0.1, 0.45, 0.1]) * gain)
    colour = surface(material, uv, normals, sight, camera)
    torch.testing.assert_close(colour[:, 0], expected, atol=1e-3, rtol=0)


def test_a_highlight_stands_where_the_light_is_mirrored():
    surface = Appearance(1, 16, 1)
    with torch.no_grad():
        surface.highlight_log_colour.fill_(-20)
        surface.highlight_log_colour[0] = 0.0
        surface.highlight_from[0] = torch.tensor([1.0, 0.0, 0.0])
    material, uv, normals, sight, camera = points(5000)
    normals = normals.where(normals[:, 2:] > 0, -normals)  # those that can be seen
    colour = surface(material, uv, normals, sight, camera)[:, 0]
    brightest = normals[colour.argmax()]
    half = torch.nn.functional.normalize(torch.tensor([1.0, 0.0, 1.0]), dim=0)
    assert brightest @ half > 0.98


def test_gradients_reach_texture_light_and_normals():
    surface = Appearance(1, 16, 1).double()
    material, uv, normals, sight, camera = points(6)
    normals = normals.double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda n: surface(material, uv.double(), n, sight.double(), camera), normals
    )
    surface(material, uv.double(), normals, sight.double(), camera).sum().backward()
    assert surface.textures[0].grad.abs().sum() > 0 and surface.light.grad.abs().sum() > 0


def test_empty_sizes_are_refused():
    for sizes in ((0, 16, 1), (1, 4, 1), (1, 16, 0)):
        with pytest.raises(InputError, match="Appearance"):
            Appearance(*sizes)
