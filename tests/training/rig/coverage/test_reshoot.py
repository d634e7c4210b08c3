"""Few sentences for a performer, the most useful first."""

import numpy as np
import pytest

from mien_training.rig.coverage.movements import ACTIONS
from mien_training.rig.coverage.reshoot import request_poses, what_to_reshoot
from mien_training.rig.coverage.shape_coverage import ShapeCoverage
from mien_training.templates import load_template

JAW, CHEEKS, LIPS = "Open your mouth wide", "Blow up your cheeks", "Press your lips together"
SHUT = "Open your jaw with your lips kept shut"


def shown(name, evidence_weight=0.0, shortage="strength", peak=0.0, partner=None):
    return ShapeCoverage(name, peak, 0.0, 0.5, 0.5, partner, evidence_weight, shortage)


def test_what_would_change_most_comes_first_and_what_is_known_not_at_all():
    found = what_to_reshoot(
        [shown(JAW, 0.5, "strength", 0.25), shown(CHEEKS), shown(LIPS, 1.0, "")],
        {JAW: 3.0, CHEEKS: 1.0, LIPS: 5.0},
    )
    assert [r.sentence for r in found] == [
        "Open your mouth wide: further than last time.", "Blow up your cheeks.",
    ]  # fmt: skip
    assert [r.gain_mm for r in found] == [1.5, 1.0]


def test_nobody_is_asked_for_more_than_ten_things_nor_for_trifles():
    everything = {action: 0.2 + 0.1 * n for n, action in enumerate(ACTIONS)}
    found = what_to_reshoot([shown(action) for action in ACTIONS], everything)
    assert len(found) == 10 and found[0].action == list(ACTIONS)[-1]
    assert what_to_reshoot([shown(JAW)], {JAW: 0.01}) == ()


def test_the_reason_is_said():
    extent = {JAW: 1.0}
    (short,) = what_to_reshoot([shown(JAW, 0.4, "duration", 0.9)], extent)
    assert short.sentence == "Open your mouth wide, and hold it for a second."
    (tied,) = what_to_reshoot([shown(JAW, 0.4, "separation", 0.9, CHEEKS)], extent)
    assert tied.sentence.endswith('so far it came together with "blow up your cheeks".')


def test_what_no_camera_sees_is_not_asked_for():
    assert what_to_reshoot([shown(JAW, shortage="hidden")], {JAW: 1.0}) == ()
    assert what_to_reshoot([], {}) == ()


def test_poses_show_what_is_asked_for():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    person = load_template("anny")
    requests = what_to_reshoot([shown(SHUT), shown(LIPS)], {SHUT: 2.0, LIPS: 1.0})
    posed = request_poses(person, requests)
    index = person.shape_names.index
    assert posed.shape_names == ("1", "2")
    shut = person.shape_deltas[index("mouthClose")] + person.shape_deltas[index("jawOpen")]
    np.testing.assert_allclose(posed.shape_deltas[0], shut, atol=1e-7)
