"""The fast path draws what the reference path draws, and composes it rightly."""

import numpy as np
import pytest
import torch
from support.srgb import srgb8_from_linear

from mien.errors import InputError
from mien.rig import Material
from mien_training.cameras.camera import Camera, clip_from_camera, look_at_camera, project
from mien_training.head.template import MATERIALS
from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.rendering.shading import (
    linear_from_srgb,
    shade,
    studio_lighting,
    surface_parameters,
)
from mien_training.rendering.visibility import interpolate, rasterize, texture

CAMERA = look_at_camera((0.1, 0.05, 0.7), (0, 0, 0), 0.4, 120, 100)


@pytest.fixture(scope="module")
def renderer(plain_rig):
    return HeadRenderer(plain_rig)


def clip_of(vertices, camera):
    seen = vertices @ camera.camera_from_world[:3, :3].T + camera.camera_from_world[:3, 3]
    return torch.tensor((np.c_[seen, np.ones(len(seen))] @ clip_from_camera(camera).T)[None])


def test_equals_the_reference_path(rig_with):
    """One sample a pixel: Warp's fused kernel against rasterize + interpolate + texture + shade."""
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(60, 200, (4, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    rig = rig_with(tuple(Material(n, smooth, roughness=0.4) for n in MATERIALS))
    renderer = HeadRenderer(rig, samples=1)
    light = studio_lighting()
    close = CAMERA.resized(480, 400)  # textures magnified: level 0 of the mips alone
    image = renderer.render(rig.vertices, close, light, (0, 0, 0))

    faces = torch.from_numpy(rig.triangles).long()
    out = rasterize(clip_of(rig.vertices, close), faces, (400, 480))
    normals = rig.normals
    attributes = np.concatenate(
        [rig.vertices, normals, rig.uvs, renderer.ambient_occlusion[:, None]], 1
    ).astype(np.float64)
    maps = interpolate(torch.from_numpy(attributes), faces, out)
    albedo = texture(torch.from_numpy(linear_from_srgb(smooth)).double(), maps[..., 6:8])
    expected = torch.zeros_like(albedo[0])
    material = torch.from_numpy(rig.triangle_material).long()[out.tri_id[0].clamp(min=0)]
    for index, m in enumerate(rig.materials):
        where = (out.tri_id[0] >= 0) & (material == index)
        expected[where] = shade(
            albedo[0][where], maps[0][where][:, :3], maps[0][where][:, 3:6], maps[0][where][:, 8],
            torch.from_numpy(close.centre), surface_parameters(m), light,
        )  # fmt: skip
    seen = renderer.visible(rig.vertices, close)
    assert np.mean(seen != out.tri_id[0].numpy()) < 1e-3
    wrong = np.abs(image.astype(int) - srgb8_from_linear(expected.numpy()).astype(int)).max(-1)
    inside = (seen >= 0) & (seen == out.tri_id[0].numpy())
    # The kernel makes normals from the mesh, the sphere's own are exact: hence a few codes.
    assert np.percentile(wrong[inside], 99) <= 6
    assert wrong[~inside & (seen < 0)].max(initial=0) == 0


def test_silhouette_is_where_the_camera_projects_it(renderer, plain_rig):
    alpha = renderer.coverage(plain_rig.vertices, CAMERA)
    pixels, _ = project(CAMERA, plain_rig.vertices)
    rows, columns = np.nonzero(alpha)
    assert abs(columns.min() - pixels[:, 0].min()) < 1.5
    assert abs(columns.max() + 1 - pixels[:, 0].max()) < 1.5
    assert abs(rows.min() - pixels[:, 1].min()) < 1.5
    assert abs(rows.max() + 1 - pixels[:, 1].max()) < 1.5
    assert alpha.max() == 1
    assert ((alpha > 0) & (alpha < 1)).any()


def test_distortion_moves_the_picture(renderer, plain_rig):
    bent = Camera(CAMERA.K, CAMERA.camera_from_world, 120, 100, k1=-0.6)
    a, b = (renderer.coverage(plain_rig.vertices, c).sum() for c in (CAMERA, bent))
    assert b < 0.995 * a


def test_background_shows_exactly_where_no_head_is(renderer, plain_rig):
    picture = np.random.default_rng(0).integers(0, 256, (100, 120, 3)).astype(np.uint8)
    image = renderer.render(plain_rig.vertices, CAMERA, background=picture)
    empty = renderer.coverage(plain_rig.vertices, CAMERA) == 0
    assert empty.mean() > 0.2
    assert np.array_equal(image[empty], picture[empty])


def test_same_input_same_bytes(plain_rig):
    images = [HeadRenderer(plain_rig).render(plain_rig.vertices, CAMERA) for _ in range(2)]
    assert np.array_equal(*images)


def test_one_renderer_serves_many_frames(renderer, plain_rig):
    first = renderer.render(plain_rig.vertices, CAMERA)
    moved = renderer.render(plain_rig.vertices + plain_rig.shape_deltas[1] * 3, CAMERA)
    again = renderer.render(plain_rig.vertices, CAMERA)
    assert not np.array_equal(first, moved)
    assert np.array_equal(first, again)


def test_exposure_scales_light(renderer, plain_rig):
    dark, light = (
        renderer.render(plain_rig.vertices, CAMERA, background=(0, 0, 0), exposure=e)
        for e in (0.3, 0.6)
    )
    full = renderer.coverage(plain_rig.vertices, CAMERA) == 1
    ratio = linear_from_srgb(light[full]) / np.maximum(linear_from_srgb(dark[full]), 1e-3)
    assert np.isclose(np.median(ratio), 2.0, atol=0.05)


def test_head_partly_or_wholly_out_of_view(renderer, plain_rig):
    for eye, target in (((0, 0, 0.7), (0.12, 0, 0.0)), ((0, 0, 0.7), (0, 0, 2.0))):
        camera = look_at_camera(eye, target, 0.3, 64, 64)
        image = renderer.render(plain_rig.vertices, camera, background=(1, 2, 3))
        assert image.shape == (64, 64, 3)
    assert (image == (1, 2, 3)).all()  # the second camera looks away


def test_eyes_are_seen_in_front_of_the_skin(renderer, plain_rig):
    camera = look_at_camera((0, 0.0, 0.7), (0, 0, 0), 0.4, 200, 200)
    seen = renderer.visible(plain_rig.vertices, camera)
    for x in (0.031, -0.031):
        pixel, _ = project(camera, (x, 0.03, 0.075))
        triangle = seen[int(pixel[1]), int(pixel[0])]
        assert plain_rig.triangle_material[triangle] == MATERIALS.index("eye")


def test_materials_can_be_changed(plain_rig):
    renderer = HeadRenderer(plain_rig)
    before = renderer.render(plain_rig.vertices, CAMERA)
    black = tuple(Material(m.name, color=(0.0, 0.0, 0.0)) for m in plain_rig.materials)
    renderer.set_materials(black)
    assert renderer.render(plain_rig.vertices, CAMERA).mean() < before.mean()
    with pytest.raises(InputError, match="set_materials"):
        renderer.set_materials(black[:2])


def test_minified_texture_averages_light_instead_of_flickering(rig_with):
    checks = ((np.indices((256, 256)).sum(0) % 2) * 255).astype(np.uint8)
    camera = look_at_camera((0, 0, 0.7), (0, 0, 0), 0.6, 64, 64)
    images = []
    for picture in (np.repeat(checks[..., None], 3, -1), None):  # black and white; its mean
        factor = (1.0, 1.0, 1.0) if picture is not None else (0.5, 0.5, 0.5)
        rig = rig_with(tuple(Material(n, picture, factor, 1.0) for n in MATERIALS))
        images.append(HeadRenderer(rig).render(rig.vertices, camera).astype(int))
    assert np.percentile(np.abs(images[0] - images[1]), 97) <= 12


def test_wrong_input_is_refused(renderer, plain_rig):
    with pytest.raises(InputError, match="vertices"):
        renderer.render(plain_rig.vertices[:-1], CAMERA)
    with pytest.raises(InputError, match="background"):
        renderer.render(plain_rig.vertices, CAMERA, background=np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(InputError, match="samples"):
        HeadRenderer(plain_rig, samples=0)
