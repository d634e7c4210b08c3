"""Seeds are split between training and tests; specs refuse what no moment can be drawn from."""

from dataclasses import replace

import pytest

from mien.errors import InputError
from mien_training.synthetic.capture import CaptureDatasetSpec, CaptureSpec, SeedRange
from mien_training.synthetic.capture.spec import HELD_OUT, TRAINED_ON


def test_nobody_held_out_is_trained_on():
    assert TRAINED_ON.disjoint(HELD_OUT) and HELD_OUT.disjoint(TRAINED_ON)
    spec = CaptureSpec()
    for people, rigs in ((True, True), (True, False), (False, True)):
        other = spec.held_out(people, rigs)
        seen = {spec.person_seed(s) for s in range(400)}, {spec.rig_seed(s) for s in range(400)}
        new = {other.person_seed(s) for s in range(400)}, {other.rig_seed(s) for s in range(400)}
        assert len(seen[0]) > 390
        assert (not seen[0] & new[0]) == people and (not seen[1] & new[1]) == rigs


def test_ranges_are_disjoint_only_if_they_share_nothing():
    some = SeedRange(10, 5)
    assert all(10 <= some.pick(s, 1) < 15 for s in range(100))
    assert {some.pick(s, 1) for s in range(100)} == set(range(10, 15))
    for first, count, apart in ((15, 3, True), (0, 10, True), (14, 1, False), (0, 100, False)):
        assert some.disjoint(SeedRange(first, count)) == apart


def test_moments_of_one_person_follow_each_other():
    spec = CaptureSpec(moments_per_person=3)
    people = [spec.person_seed(s) for s in range(9)]
    assert [people.count(p) for p in people] == [3] * 9
    assert people[:3] == people[:1] * 3
    assert len({spec.rig_seed(s) for s in range(9)}) == 9


def test_shards_hold_all_moments():
    assert CaptureDatasetSpec(moments=33, moments_per_shard=16).shards == 3
    assert CaptureDatasetSpec(moments=32, moments_per_shard=16).shards == 2


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: SeedRange(-1, 5), "first"),
        (lambda: SeedRange(0, 0), "count"),
        (lambda: SeedRange(2**31 - 1, 2), "count"),
        (lambda: replace(CaptureSpec(), light="dim"), "light"),
        (lambda: replace(CaptureSpec(), moments_per_person=0), "moments_per_person"),
        (lambda: replace(CaptureSpec(), samples=0), "samples"),
        (lambda: replace(CaptureSpec(), reach_m=0.5), "reach_m"),
        (lambda: replace(CaptureSpec(), least_seen=1.0), "least_seen"),
        (lambda: replace(CaptureSpec(), calibration_px=float("nan")), "calibration_px"),
        (lambda: CaptureDatasetSpec(moments=0), "moments"),
        (lambda: CaptureDatasetSpec(first_seed=-1), "first_seed"),
        (lambda: CaptureDatasetSpec(moments_per_shard=0), "moments_per_shard"),
    ],
)
def test_values_out_of_range_are_refused(make, field):
    with pytest.raises(InputError, match=field):
        make()
