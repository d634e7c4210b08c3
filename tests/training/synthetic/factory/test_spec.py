"""Specs refuse at once what no sequence can be drawn from."""

import pytest

from mien.errors import InputError
from mien_training.cameras.arrays import ArraySpec
from mien_training.synthetic.factory import CameraSpec, DatasetSpec, PersonSpec, SequenceSpec
from mien_training.synthetic.performance_spec import PerformanceSpec


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: PersonSpec(hair="wig"), "hair"),
        (lambda: PersonSpec(identity="me"), "identity"),
        (lambda: PersonSpec(identity=-1), "identity"),
        (lambda: PersonSpec(identity="template", shape_strength=1.0), "somebody else"),
        (lambda: PersonSpec(strands=0), "strands"),
        (lambda: PersonSpec(texture_side=8), "texture_side"),
        (lambda: PersonSpec(shape_strength=-1.0), "shape_strength"),
        (lambda: CameraSpec(size=8), "size"),
        (lambda: CameraSpec(ArraySpec(width=64, height=32)), "square"),
        (lambda: SequenceSpec(light="dim"), "light"),
        (lambda: SequenceSpec(degradation="awful"), "degradation"),
        (lambda: DatasetSpec(sequences=0), "sequences"),
        (lambda: DatasetSpec(seed=-1), "seed"),
        (lambda: DatasetSpec(frames_per_shard=0), "frames_per_shard"),
        (lambda: PerformanceSpec("dance"), "expected performance, posed, sparse or clip"),
        (lambda: PerformanceSpec(frames=0), "frames"),
        (lambda: PerformanceSpec(rate_hz=float("nan")), "rate_hz"),
    ],
)
def test_values_out_of_range_are_refused(make, field):
    with pytest.raises(InputError, match=field):
        make()


def test_shards_hold_whole_sequences():
    sequence = SequenceSpec(
        performance=PerformanceSpec(frames=30), cameras=CameraSpec(ArraySpec(count=2))
    )
    spec = DatasetSpec(sequence, sequences=7, frames_per_shard=200)
    assert (spec.sequences_per_shard, spec.shards) == (3, 3)
    assert DatasetSpec(sequence, frames_per_shard=1).sequences_per_shard == 1
