"""Backends see the same triangles; barycentrics are exact, perspective-correct, differentiable."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.cameras.camera import clip_from_camera, look_at_camera
from mien_training.rendering.visibility import interpolate, rasterize, texture

BACKENDS = ("torch", "warp")


def clip_of(vertices, eye=(0.4, 0.3, 3.0), size=(96, 96), dtype=torch.float32):
    cam = look_at_camera(eye, (0, 0, 0), 0.75, size[1], size[0])
    seen = vertices @ cam.camera_from_world[:3, :3].T + cam.camera_from_world[:3, 3]
    clip = np.c_[seen, np.ones(len(seen))] @ clip_from_camera(cam, 0.5, 20.0).T
    return torch.tensor(clip[None], dtype=dtype)


@pytest.fixture(scope="module")
def dense(sphere):
    vertices, faces, _, _ = sphere(70, 140)
    return vertices.astype(np.float64), torch.from_numpy(faces)


@pytest.mark.parametrize("size", [(64, 64), (97, 151)])
def test_backends_agree_on_a_dense_sphere(dense, size):
    vertices, faces = dense
    clip = clip_of(vertices, size=size)
    a, b = (rasterize(clip, faces, size, backend) for backend in BACKENDS)
    covered = int((a.tri_id >= 0).sum())
    assert covered > 0.3 * size[0] * size[1]
    assert int((a.tri_id != b.tri_id).sum()) <= 1e-3 * covered
    assert torch.equal(a.tri_id >= 0, b.tri_id >= 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_closed_mesh_has_no_cracks_and_shows_its_front(dense, backend):
    vertices, faces = dense
    clip = clip_of(vertices, eye=(0, 0, 3.0))
    out = rasterize(clip, faces, (96, 96), backend)
    y, x = np.mgrid[:96, :96] + 0.5
    focal = 48 / np.tan(0.375)
    slope2 = ((x - 48) ** 2 + (y - 48) ** 2) / focal**2
    silhouette = 1 / np.sqrt(8.0)  # tangent of the cone that touches the unit sphere from 3 away
    seen = (out.tri_id[0] >= 0).numpy()
    assert seen[np.sqrt(slope2) < silhouette * 0.99].all()
    assert not seen[np.sqrt(slope2) > silhouette * 1.005].any()
    front = vertices[faces.numpy()].mean(1)[out.tri_id[0].numpy()[seen], 2]
    assert (front > 0.25).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_nearer_triangle_wins_whatever_the_order(backend):
    def triangle(z):
        return np.array([(-1, -1, z), (1, -1, z), (0, 1, z)], np.float64)

    vertices = np.concatenate([triangle(0.0), triangle(0.4), triangle(-0.3)])
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        faces = torch.tensor([[3 * k, 3 * k + 1, 3 * k + 2] for k in order])
        out = rasterize(clip_of(vertices, eye=(0, 0, 3.0)), faces, (48, 48), backend)
        assert order[int(out.tri_id[0, 24, 24])] == 1  # the one at z = 0.4


@pytest.mark.parametrize("backend", BACKENDS)
def test_interpolation_is_perspective_correct(backend):
    """A plane tilted away from the camera: its own coordinates follow from each pixel's ray."""
    size = (80, 100)
    corners = np.array([(-2, -1, 1.0), (2, -1, 1.0), (2, 1, -4.0), (-2, 1, -4.0)])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    cam = look_at_camera((0, 0, 3.0), (0, 0, 0), 0.75, size[1], size[0])
    seen = corners @ cam.camera_from_world[:3, :3].T + cam.camera_from_world[:3, 3]
    clip = torch.tensor((np.c_[seen, np.ones(4)] @ clip_from_camera(cam, 0.5, 20.0).T)[None])
    out = rasterize(clip, faces, size, backend)
    points = interpolate(torch.tensor(corners), faces, out)[0].numpy()
    row, column = np.nonzero(out.tri_id[0].numpy() >= 0)
    assert len(row) > 1000
    slope_x = (column + 0.5 - cam.K[0, 2]) / cam.K[0, 0]
    slope_y = -(row + 0.5 - cam.K[1, 2]) / cam.K[1, 1]
    # Ray (slope_x, slope_y, -1) t from (0, 0, 3) meets the plane z = -1.5 - 2.5 y.
    t = 4.5 / (1 - 2.5 * slope_y)
    expected = np.stack([slope_x * t, slope_y * t, 3 - t], -1)
    assert np.abs(points[row, column] - expected).max() < 1e-9


def test_bary_sums_to_one_and_depth_matches_positions(dense):
    vertices, faces = dense
    clip = clip_of(vertices, dtype=torch.float64)
    out = rasterize(clip, faces, (64, 64))
    seen = out.tri_id >= 0
    assert torch.allclose(out.bary[seen].sum(-1), torch.ones(int(seen.sum()), dtype=torch.float64))
    assert (out.bary[~seen] == 0).all()
    assert (out.depth[~seen] == 1).all()
    zw = interpolate(clip[0, :, 2:], faces, out)
    assert torch.allclose((zw[..., 0] / zw[..., 1])[seen], out.depth[seen])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_batch_equals_its_single_views(dense, backend):
    vertices, faces = dense
    views = [clip_of(vertices, eye) for eye in ((0, 0, 3.0), (2.0, 1, 2.0), (-3, 0.2, 0.1))]
    batch = rasterize(torch.cat(views), faces, (72, 72), backend)
    for i, view in enumerate(views):
        single = rasterize(view, faces, (72, 72), backend)
        assert torch.equal(batch.tri_id[i], single.tri_id[0])
        assert torch.equal(batch.bary[i], single.bary[0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_triangles_behind_the_camera_are_dropped(backend):
    vertices = np.array([(-1, -1, 0), (1, -1, 0), (0, 1, 5.0)], np.float64)
    out = rasterize(
        clip_of(vertices, eye=(0, 0, 3.0)), torch.tensor([[0, 1, 2]]), (32, 32), backend
    )
    assert (out.tri_id == -1).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_to_see(backend):
    empty = rasterize(torch.zeros(1, 3, 4), torch.zeros(0, 3, dtype=torch.long), (8, 8), backend)
    assert (empty.tri_id == -1).all()
    aside = torch.tensor([[[5.0, 0, 0, 1], [6, 0, 0, 1], [5, 1, 0, 1]]])
    out = rasterize(aside, torch.tensor([[0, 1, 2]]), (8, 8), backend)
    assert (out.tri_id == -1).all()


def test_gradients_equal_finite_differences():
    generator = torch.Generator().manual_seed(0)
    clip = torch.tensor(
        [[[-0.9, -0.8, 0.1, 1.0], [1.5, -1.2, 0.4, 1.6], [0.1, 0.8, 0.2, 0.9]]],
        dtype=torch.float64,
    )
    faces = torch.tensor([[0, 1, 2]])
    colours = torch.rand(3, 2, generator=generator, dtype=torch.float64)
    weight = torch.rand(1, 12, 12, 2, generator=generator, dtype=torch.float64)
    ids = rasterize(clip, faces, (12, 12)).tri_id

    def loss(c):
        out = rasterize(c, faces, (12, 12))
        assert torch.equal(out.tri_id, ids)  # the step crosses no edge
        return (interpolate(colours, faces, out) * weight).sum() + (
            out.depth * weight[..., 0]
        ).sum()

    variable = clip.clone().requires_grad_()
    loss(variable).backward()
    for index in np.ndindex(1, 3, 4):
        step = torch.zeros_like(clip)
        step[index] = 1e-6
        expected = (loss(clip + step) - loss(clip - step)) / 2e-6
        assert np.isclose(float(variable.grad[index]), float(expected), rtol=1e-5, atol=1e-7)


def test_texture_reads_texel_centres_and_between():
    image = torch.arange(12, dtype=torch.float64).reshape(3, 4, 1)
    at = [(0.5 / 4, 0.5 / 3), (3.5 / 4, 2.5 / 3), (1.0 / 4, 0.5 / 3), (-1.0, 2.0)]
    values = texture(image, torch.tensor([[at]], dtype=torch.float64)).flatten().tolist()
    assert np.allclose(values, [0, 11, 0.5, 8])


def test_texture_and_interpolation_are_linear_in_their_values(dense):
    vertices, faces = dense
    out = rasterize(clip_of(vertices), faces, (40, 40))
    a, b = torch.rand(2, len(vertices), 3, generator=torch.Generator().manual_seed(1))
    both = interpolate(2 * a - 3 * b, faces, out)
    assert torch.allclose(
        both, 2 * interpolate(a, faces, out) - 3 * interpolate(b, faces, out), atol=1e-5
    )


def test_wrong_shapes_are_refused():
    faces = torch.tensor([[0, 1, 2]])
    good = torch.zeros(1, 3, 4)
    for call in (
        lambda: rasterize(torch.zeros(3, 4), faces, (8, 8)),
        lambda: rasterize(good, torch.zeros(2, 4, dtype=torch.long), (8, 8)),
        lambda: rasterize(good, faces, (0, 8)),
        lambda: rasterize(good, faces, (8, 8), "opengl"),
        lambda: interpolate(torch.zeros(2, 3, 1), faces, rasterize(good, faces, (8, 8))),
        lambda: texture(torch.zeros(4, 4), torch.zeros(1, 2, 2, 2)),
    ):
        with pytest.raises(InputError):
            call()
