"""Small moments with all kinds of occluders, for all tests of captures."""

import pytest


@pytest.fixture(scope="session")
def capture_spec():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.synthetic.capture import CaptureSpec
    from mien_training.synthetic.capture.occluders import WearSpec
    from mien_training.synthetic.capture.people import PeopleSpec
    from mien_training.synthetic.capture.rigs import RigSpec
    from mien_training.synthetic.capture.scans import ScanSpec

    return CaptureSpec(
        rig=RigSpec(views=(2, 3), long_side=96),
        person=PeopleSpec(texture_side=32),
        wear=WearSpec(strands=0.4, cap=0.3, cloth_cap=0.3, beard=0.6, glasses=0.6, hair_strands=60),
        scan=ScanSpec(points=4000),
        calibration_px=0.5,
    )


@pytest.fixture(scope="session")
def moment(capture_spec, anny):
    from mien_training.synthetic.capture import draw_moment

    return draw_moment(capture_spec, anny, 5)
