"""No frame hides behind a mean: worst frames are named, and the verdict follows from them."""

from dataclasses import replace

import pytest
import torch
from support.rig_scene import recorded_scene, small_person

from mien_training.rig.robust.frame_errors import FrameErrors
from mien_training.rig.robust.frame_report import report_frames
from mien_training.rig.robust.lost_frames import FrameLimits

COUNT = 24
LIMITS = FrameLimits(points=0.02, restarts=2)


@pytest.fixture(scope="module")
def seen():
    return recorded_scene(small_person()).seen


def report(seen, points=(), colours=(), restarts=(), jumped=(), covered=()):
    """Of frames 0.5 px and 0.02 off, but for pairs (frame, value)."""
    apart, off = torch.full((COUNT,), 0.5), torch.full((COUNT,), 0.02)
    again, trusted = torch.zeros(COUNT, dtype=torch.int64), torch.ones(COUNT, dtype=torch.bool)
    for values, pairs in ((apart, points), (off, colours), (again, restarts)):
        for frame, value in pairs:
            values[frame] = value
    trusted[list(jumped)] = False
    hidden = torch.zeros(COUNT)
    hidden[list(covered)] = 0.2
    errors = FrameErrors(apart, off, apart, hidden)
    face = torch.full((COUNT,), 100.0)
    return report_frames(errors, face, again, replace(seen, trusted=trusted), LIMITS)


def test_a_good_fit_holds_and_names_nothing(seen):
    found = report(seen)
    assert found.verdict == "holds" and not found.named and not found.lost
    assert (found.points_px.median, found.points_px.worst) == (0.5, 0.5)
    assert "holds in every frame" in found.sentence and "0.50 px" in found.sentence


def test_one_lost_frame_shows_in_the_worst_and_by_name(seen):
    found = report(seen, points=[(13, 9.0)])
    assert found.verdict == "check" and found.lost == 1
    assert found.points_px.median == 0.5 and found.points_px.worst == 9.0
    (named,) = found.named
    assert (named.camera, named.frame) == (2, 1) and "lost" in named.reason
    assert "worst 9.00" in found.sentence and "1 frame is lost" in found.sentence


def test_a_face_that_is_mostly_covered_asks_for_a_look(seen):
    found = report(seen, covered=range(COUNT // 2))
    assert found.verdict == "check" and (found.lost, found.covered) == (0, COUNT // 2)
    assert f"covers the face in {COUNT // 2}" in found.sentence


def test_many_lost_frames_fail(seen):
    found = report(seen, points=[(i, 5.0 + i) for i in range(4)])
    assert found.verdict == "fails" and [f.frame for f in found.named] == [3, 2, 1, 0]


def test_what_is_strange_but_kept_is_named_with_its_reason(seen):
    found = report(seen, colours=[(2, 0.2)], restarts=[(5, 3), (6, 2)], jumped=[9], covered=[7])
    assert found.verdict == "holds"
    reasons = {f.frame: f.reason for f in found.named}
    assert set(reasons) == {2, 5, 7, 9} and "covers" in reasons[7]
    assert "colours" in reasons[2] and "too often" in reasons[5] and "elsewhere" in reasons[9]


def test_frames_that_were_not_tracked_do_not_count_as_lost(seen):
    found = report(seen, points=[(9, 40.0)], jumped=[9])
    assert found.verdict == "holds" and found.points_px.worst == 0.5


def test_it_goes_into_a_json_file(seen):
    found = report(seen, points=[(13, 9.0)]).as_dict()
    assert found["points_px"]["worst"] == 9.0 and found["named"][0]["frame"] == 1
