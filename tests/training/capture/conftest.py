"""One small moment whose truth is known, for all tests of capture."""

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
