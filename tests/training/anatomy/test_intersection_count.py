"""Triangles that cut through each other are counted beside the template's own."""

from dataclasses import replace

from mien_training.anatomy.intersection_count import count_intersections
from mien_training.geometry.self_intersection import self_intersections


def jaw_only(template):
    k = template.shape_names.index("jawOpen")
    return replace(
        template, shape_names=("jawOpen",), shape_deltas=template.shape_deltas[k : k + 1]
    )


def test_a_template_has_nothing_that_it_does_not_have(anny_head):
    template = jaw_only(anny_head)
    own = template.vertices, template.shape_deltas
    counts = count_intersections(template, own, own)
    assert list(counts) == ["neutral", "jawOpen"]
    for count in counts.values():
        assert count.template == count.before == count.after
        assert count.new_before == count.new_after == 0


def test_teeth_pushed_through_the_lips_are_counted(anny_head):
    template = jaw_only(anny_head)
    own = template.vertices, template.shape_deltas
    pushed = template.vertices.copy()
    pushed[template.regions["teeth"], 2] += 0.015
    counts = count_intersections(template, (pushed, template.shape_deltas), own)
    neutral = counts["neutral"]
    assert neutral.new_before > 100 and neutral.new_after == 0
    assert neutral.before >= neutral.new_before and neutral.after == neutral.template


def test_the_mouths_soft_inside_is_not_counted(anny_head):
    template = jaw_only(anny_head)
    own = template.vertices, template.shape_deltas
    counts = count_intersections(template, own, own)
    whole = self_intersections(template.vertices, template.triangles)
    assert counts["neutral"].template < len(whole)
