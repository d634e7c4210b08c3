"""Sentences for a performer."""

from mien.channels import ARKIT_CHANNELS
from mien_training.rig.coverage.reshoot import ACTIONS, what_to_reshoot
from mien_training.rig.coverage.shape_coverage import ShapeCoverage


def shown(name, evidence_weight=0.0, shortage="strength", peak=0.0, partner=None):
    return ShapeCoverage(name, peak, 0.0, 0.5, 0.5, partner, evidence_weight, shortage)


def test_every_channel_has_one_action():
    channels = [name for names in ACTIONS.values() for name in names]
    assert sorted(channels) == sorted(ARKIT_CHANNELS)


def test_what_is_missing_comes_first_and_observed_shapes_not_at_all():
    found = what_to_reshoot(
        [shown("jawOpen", 1.0, ""), shown("jawLeft", 0.5, "strength", 0.25), shown("cheekPuff")]
    )
    assert [r.sentence for r in found] == [
        "Blow up your cheeks.",
        "Slide your jaw to your left: further than last time.",
    ]
    assert found[0].shapes == ("cheekPuff",)


def test_one_action_for_both_eyes_or_one_side():
    both = what_to_reshoot([shown("eyeLookOutLeft"), shown("eyeLookInRight")])
    assert [r.sentence for r in both] == ["Look far to your left, with your head still."]
    assert both[0].shapes == ("eyeLookOutLeft", "eyeLookInRight")
    one = what_to_reshoot([shown("noseSneerLeft"), shown("noseSneerRight", 1.0, "")])
    assert one[0].sentence == "Wrinkle your nose (it is your left side that is missing)."


def test_the_reason_is_said():
    (short,) = what_to_reshoot([shown("jawOpen", 0.4, "duration", 0.9)])
    assert short.sentence == "Open your mouth wide, and hold it for a second."
    (tied,) = what_to_reshoot([shown("jawOpen", 0.4, "separation", 0.9, "mouthFunnel")])
    assert 'together with "mouth funnel"' in tied.sentence
    pair = [
        shown("mouthSmileLeft", 0.1, "separation", 0.9, "mouthSmileRight"),
        shown("mouthSmileRight", 0.1, "separation", 0.9, "mouthSmileLeft"),
    ]
    (sides,) = what_to_reshoot(pair)
    assert sides.sentence.endswith("one side after the other.")


def test_unknown_shapes_and_hidden_ones():
    found = what_to_reshoot([shown("lipBiteUp"), shown("tongueOut", shortage="hidden")])
    assert [r.sentence for r in found] == ["Show lip bite up."]
    assert what_to_reshoot([]) == ()
