"""Small moments that nets may learn from."""

import pytest

from mien_training.synthetic.capture.dataset.generate import generate_captures
from mien_training.synthetic.capture.occluders import WearSpec
from mien_training.synthetic.capture.people import PeopleSpec
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.spec import CaptureDatasetSpec, CaptureSpec


@pytest.fixture(scope="package")
def moments(tmp_path_factory, anny):
    folder = tmp_path_factory.mktemp("moments")
    nothing = WearSpec(strands=0, cap=0, cloth_cap=0, beard=0, glasses=0)
    moment = CaptureSpec(
        rig=RigSpec(views=(2, 2), long_side=64), wear=nothing, person=PeopleSpec(texture_side=16),
        samples=1,
    )  # fmt: skip
    generate_captures(CaptureDatasetSpec("anny", moment, 2, moments_per_shard=1), folder, 1)
    return folder
