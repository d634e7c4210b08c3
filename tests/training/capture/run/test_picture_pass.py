"""Pictures of the factory, read a second time: a texture of the person, tiles for the report."""

import numpy as np
import pytest
from support.capture_truth import TruthPredictor, write_moments

from mien_training.cameras import project
from mien_training.capture.run.join_moments import join_moments
from mien_training.capture.run.picture_pass import picture_pass
from mien_training.capture.run.predict_moments import predict_moments
from mien_training.capture.take import open_take, parse_frames
from mien_training.footage.captured import read_meshes


@pytest.fixture(scope="module")
def captured(seen_head, anny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("factory")
    pictures, calibration = write_moments(folder, [seen_head])
    take = open_take([pictures], calibration, parse_frames(":"))
    predict_moments(take, TruthPredictor(anny, [seen_head]), folder / "moments")
    join_moments(folder, folder / "moments", take, anny)
    return take, read_meshes(folder)


def test_the_truth_is_captured(captured, seen_head):
    _, meshes = captured
    assert meshes.good.all()
    off = np.linalg.norm(meshes.vertices[0] - seen_head.vertices, axis=1)
    assert 1e-4 < off.max() < 2e-3


def agreement(texture, moment, template):
    """Correlation of brightness, at the vertices that a camera sees, of texture and picture."""
    camera = int(moment.visible.sum(1).argmax())
    corners, uv_corners = template.triangles[:, 0], template.uv_triangles[:, 0]
    skin = (template.triangle_material == 0) & moment.visible[camera][corners]
    pixels = project(moment.cameras[camera], moment.vertices[corners[skin]])[0].astype(int)
    texels = (template.uvs[uv_corners[skin]] * texture.shape[0]).astype(int)
    filmed = moment.images[camera][pixels[:, 1], pixels[:, 0]].mean(1)
    return np.corrcoef(texture[texels[:, 1], texels[:, 0]].mean(1), filmed)[0, 1]


def test_texture_and_tiles(captured, seen_head, anny):
    take, meshes = captured
    pictures, texture = picture_pass(take, meshes, anny, 128, show_frames=True)
    ((moment, tiles),) = pictures.telling.values()
    assert moment == 0 and len(tiles) == len(take.names) and len(pictures.over_time) == 1
    assert agreement(texture, seen_head, anny) > 0.8
    assert picture_pass(take, meshes, anny, 0, show_frames=False)[1] is None
