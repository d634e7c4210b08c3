"""Somebody before four cameras, and a prediction of them that is a little wrong."""

from dataclasses import dataclass, replace

import numpy as np
import pytest


@dataclass(frozen=True)
class Scene:
    """What a polish is given, and the truth."""

    template: object
    truth: np.ndarray
    start: np.ndarray
    normals: np.ndarray
    judged: np.ndarray
    images: tuple
    cameras: tuple
    masks: tuple
    config: object

    def error_mm(self, vertices):
        """Mean error along the normal of the face's vertices that two cameras see."""
        off = ((np.asarray(vertices) - self.truth) * self.normals).sum(1)
        return 1e3 * float(np.abs(off[self.judged]).mean())

    def polish(self, **changed):
        from mien_training.capture.polish import polish_mesh

        given = {"vertices": self.start, "images": self.images, "cameras": self.cameras}
        given |= {"masks": self.masks, "config": self.config} | changed
        return polish_mesh(self.template, **given)


@pytest.fixture(scope="session")
def scene(anny):
    from mien.deform import vertex_normals
    from mien_training.capture.polish import PolishConfig
    from mien_training.synthetic.capture import CaptureSpec, draw_moment
    from mien_training.synthetic.capture.occluders import WearSpec
    from mien_training.synthetic.capture.people import PeopleSpec
    from mien_training.synthetic.capture.photometry import ResponseSpec
    from mien_training.synthetic.capture.rigs import RigSpec
    from mien_training.synthetic.smooth_field import SmoothField
    from mien_training.templates.regions import face_region

    spec = CaptureSpec(
        rig=RigSpec(views=(5, 5), long_side=400, layouts=("irregular",), azimuth_rad=1.0),
        person=PeopleSpec(texture_side=1024),
        wear=WearSpec(strands=0, cap=0, cloth_cap=0, beard=0, glasses=0),
        response=ResponseSpec(noise=1.0, blur_px=0.0),
    )
    moment = draw_moment(spec, anny, 3)
    truth = moment.vertices.astype(np.float64)
    normals = vertex_normals(moment.vertices, anny.triangles)
    field = SmoothField(np.random.default_rng(0), 1, 0.03, 0.11)(truth)
    return Scene(
        anny, truth, truth + 1e-3 * field * normals, normals,
        face_region(anny) & (moment.visible.sum(0) > 1),
        tuple(moment.images), moment.cameras, tuple(moment.mask),
        PolishConfig(side=320, shrink=(4, 2, 1), spacing_m=0.002),
    )  # fmt: skip


@pytest.fixture(scope="session")
def polished(scene):
    return scene.polish()


@pytest.fixture(scope="session")
def crops(scene):
    """Of the scene, in colour."""
    from mien_training.capture.polish.picture_levels import crop_pictures
    from mien_training.geometry.alignment import fit_alignment

    pose = fit_alignment(scene.template.vertices, scene.truth)
    world_from_head = np.eye(4)
    world_from_head[:3, :3], world_from_head[:3, 3] = pose.rotation, pose.translation
    return crop_pictures(scene.images, scene.cameras, scene.masks, world_from_head, 320)


@pytest.fixture(scope="session")
def prior(anny):
    from mien_training.capture.polish.smooth_offset import SmoothOffset

    return SmoothOffset(anny, 0.0015, 0.010)


@pytest.fixture(scope="session")
def moved_camera(scene):
    """The cameras, one of them wrong by 6 pixels."""
    K = scene.cameras[1].K.copy()
    K[0, 2] += 6
    return (scene.cameras[0], replace(scene.cameras[1], K=K), *scene.cameras[2:])
