"""Small moments whose truth is known, for all tests of capture."""

import pytest


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
