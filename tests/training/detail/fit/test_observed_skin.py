"""Images laid out on the atlas: what is seen has the skin's colour, what is not has no weight."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien.rig import Material
from mien_training.cameras import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.detail.fit.observed_skin import observe_skin
from mien_training.head import rig_from_template
from mien_training.rendering import HeadRenderer, Lighting
from mien_training.rendering.appearance import srgb_from_linear
from mien_training.rendering.bake import bake_texels

SIZE = 64
YAWS = (0.0, 0.9)
NO_LAMP = np.array([[0, 0, 1]], np.float32)
EVEN = Lighting(NO_LAMP, 0 * NO_LAMP, (1, 1, 1), (1, 1, 1))


def paint(points):
    """(N, 3) linear colours, slowly changing over the head."""
    p = 40 * np.asarray(points, np.float64)
    return 0.35 + 0.15 * np.sin(np.stack([p[:, 0], p[:, 1], p[:, 0] + p[:, 1]], 1))


@pytest.fixture(scope="module")
def camera(anny):
    middle = anny.landmarks.positions(anny.vertices, anny.triangles)
    middle = np.nanmean(middle, 0)
    return look_at_camera(middle + [0, 0, 0.9], middle, 0.28, 256, 256)


@pytest.fixture(scope="module")
def scene(anny, camera):
    """Images of the painted head, straight and turned, in even light, and its vertices."""
    bake = bake_texels(anny, 0, 512)
    linear = torch.from_numpy(paint(bake.interpolate(anny.vertices)))
    texture = bake.image(srgb_from_linear(linear).numpy())
    rig, source = rig_from_template(anny, "painted")
    others = rig.materials[1:]
    renderer = HeadRenderer(rig)
    renderer.set_materials((Material("skin", texture, roughness=1.0), *others))
    renderer.set_ambient_occlusion(np.ones(len(rig.vertices), np.float32))
    turns = [Rotation.from_euler("y", yaw).as_matrix() for yaw in YAWS]
    posed = np.stack([anny.vertices @ turn.T for turn in turns]).astype(np.float32)
    images = np.stack([renderer.render(p[source], camera, EVEN) for p in posed])
    return torch.from_numpy(images), torch.from_numpy(posed)


def observe(scene, camera, atlas, size=SIZE):
    views, which = CameraBatch.of([camera]), torch.zeros(len(scene[0]), dtype=torch.long)
    return observe_skin(*scene, views, which, atlas, size)


@pytest.fixture(scope="module")
def skin(scene, camera, head_atlas):
    return observe(scene, camera, head_atlas)


def test_what_is_seen_has_its_colour(skin, anny):
    truth = paint(skin.texels.interpolate(anny.vertices))
    for e in range(2):
        sure = skin.weight[e].numpy() > 0.5
        assert sure.mean() > 0.25
        apart = np.abs(skin.colour[e].numpy()[sure] - truth[sure])
        assert np.median(apart) < 0.02 and np.quantile(apart, 0.95) < 0.06
        np.testing.assert_allclose(
            skin.luminance[e], skin.colour[e] @ torch.tensor([0.2126, 0.7152, 0.0722])
        )


def test_what_is_turned_away_or_hidden_has_no_weight(skin, scene, camera):
    weight = skin.weight
    assert weight.min() >= 0 and weight.max() <= 1
    share = torch.from_numpy(skin.texels.bary)[:, :, None]
    places = (scene[1][:, torch.from_numpy(skin.texels.corners).long()] * share).sum(2)
    sight = torch.from_numpy(camera.centre).float() - places
    cosine = (torch.nn.functional.normalize(sight, dim=-1) * skin.normal).sum(-1)
    assert not weight[cosine < 0.25].any() and (cosine[1] < 0.25).float().mean() > 0.1
    hidden = (cosine > 0.4) & (weight == 0)
    assert hidden[1].sum() > 5 and not skin.colour[hidden].any()


def test_each_frame_is_seen_by_itself(scene, camera, head_atlas, skin):
    one = observe((scene[0][1:], scene[1][1:]), camera, head_atlas)
    for name in ("colour", "weight", "normal", "gradients", "overexposed"):
        torch.testing.assert_close(getattr(one, name)[0], getattr(skin, name)[1])


def test_shape_turns_with_the_head(skin):
    turn = torch.from_numpy(Rotation.from_euler("y", YAWS[1]).as_matrix()).float()
    torch.testing.assert_close(skin.normal[1], skin.normal[0] @ turn.T, atol=1e-4, rtol=0)
    torch.testing.assert_close(skin.gradients[1], skin.gradients[0] @ turn.T, atol=0.01, rtol=1e-3)
    along = (skin.gradients * skin.normal[:, :, None]).sum(-1)
    assert along.abs().max() < 1e-3


@pytest.mark.parametrize(("code", "lost"), [(255, 1.0), (0, 0.0)])
def test_white_and_black_tell_nothing(scene, camera, head_atlas, code, lost):
    flat = torch.full_like(scene[0], code)
    found = observe((flat, scene[1]), camera, head_atlas)
    assert not found.weight.any()
    torch.testing.assert_close(found.overexposed, torch.full((2,), lost))


def test_what_lies_beyond_the_image_has_no_weight(scene, camera, head_atlas):
    aside = look_at_camera(camera.centre, camera.centre + [5, 0, -1], 0.28, 256, 256)
    found = observe(scene, aside, head_atlas)
    assert not found.weight.any() and not found.colour.any() and not found.overexposed.any()
