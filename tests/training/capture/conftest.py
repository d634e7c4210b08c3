"""Small moments whose truth is known, for all tests of capture."""

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class Scene:
    """What a polish is given, and the truth."""

    template: object
    moment: object
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
def seen_head(anny):
    """Four views of 96 pixels of somebody with nothing on, from a calibrated rig."""
    from mien_training.synthetic.capture import CaptureSpec, draw_moment
    from mien_training.synthetic.capture.occluders import WearSpec
    from mien_training.synthetic.capture.people import PeopleSpec
    from mien_training.synthetic.capture.rigs import RigSpec

    nothing = WearSpec(strands=0, cap=0, cloth_cap=0, beard=0, glasses=0)
    spec = CaptureSpec(
        rig=RigSpec(views=(4, 4), long_side=96),
        person=PeopleSpec(texture_side=16),
        wear=nothing,
        samples=1,
    )
    return draw_moment(spec, anny, 5)


@pytest.fixture(scope="session")
def true_rays(seen_head):
    from mien_training.capture.localisation import map_rays

    sure = seen_head.mask.astype("float32")
    return map_rays(seen_head.cameras, seen_head.canonical, sure, 400)


@pytest.fixture(scope="session")
def moments(tmp_path_factory, anny):
    """A data set of two, before two cameras each, one to a file."""
    from mien_training.synthetic.capture.dataset.generate import generate_captures
    from mien_training.synthetic.capture.occluders import WearSpec
    from mien_training.synthetic.capture.people import PeopleSpec
    from mien_training.synthetic.capture.rigs import RigSpec
    from mien_training.synthetic.capture.spec import CaptureDatasetSpec, CaptureSpec

    folder = tmp_path_factory.mktemp("moments")
    nothing = WearSpec(strands=0, cap=0, cloth_cap=0, beard=0, glasses=0)
    moment = CaptureSpec(
        rig=RigSpec(views=(2, 2), long_side=64), wear=nothing, person=PeopleSpec(texture_side=16),
        samples=1,
    )  # fmt: skip
    generate_captures(CaptureDatasetSpec("anny", moment, 2, moments_per_shard=1), folder, 1)
    return folder


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
        anny, moment, truth, truth + 1e-3 * field * normals, normals,
        face_region(anny) & (moment.visible.sum(0) > 1),
        tuple(moment.images), moment.cameras, tuple(moment.mask),
        PolishConfig(side=320, shrink=(4, 2, 1), spacing_m=0.002),
    )  # fmt: skip
