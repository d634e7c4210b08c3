"""One small data set of synthetic people with strands, for all tests of the factory."""

import pytest


@pytest.fixture(scope="session")
def factory_spec():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.cameras.arrays import ArraySpec
    from mien_training.synthetic.factory import (
        CameraSpec,
        DatasetSpec,
        LabelSpec,
        PersonSpec,
        SequenceSpec,
    )
    from mien_training.synthetic.performance_spec import PerformanceSpec

    array = ArraySpec("arc", 2, width=96, height=96, spread_rad=0.8, distortion=0.0)
    return DatasetSpec(
        SequenceSpec(
            PersonSpec(hair="strands", identity="template", strands=600, texture_side=64),
            PerformanceSpec("sparse", 2),
            cameras=CameraSpec(array),
            degradation="none",
        ),
        LabelSpec(True, True, True, True, True),
        sequences=3,
        seed=5,
        frames_per_shard=4,
    )
