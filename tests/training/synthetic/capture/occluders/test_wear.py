"""Probabilities of 0 and 1 are kept; hair and beards belong to a person, clothes to a moment."""

from dataclasses import replace

import pytest

from mien.errors import InputError
from mien_training.rendering.paint import Look
from mien_training.synthetic.capture.occluders import WearSpec, draw_clothes, draw_hair

NOTHING = WearSpec(0, 0, 0, 0, 0, 0, 0, hair_strands=30)


def parts(spec, anny, seed=1):
    look, hair = draw_hair(spec, anny, anny.vertices, Look(hair_cover=0.0, stubble=0.0), seed)
    clothes = draw_clothes(spec, anny, anny.vertices, seed)
    return look, [w.mesh.part for w in hair], [w.mesh.part for w in clothes]


def test_nothing_and_everything(anny):
    look, hair, clothes = parts(NOTHING, anny)
    assert (look.hair_cover, look.stubble, hair, clothes) == (0.0, 0.0, [], [])
    everything = replace(NOTHING, strands=1, beard=1, glasses=1, dark_lenses=1, shoulders=1)
    look, hair, clothes = parts(everything, anny)
    assert (look.hair_cover, look.stubble) == (1.0, 1.0)
    assert hair == ["hair", "hair", "hair"] and clothes == ["glasses", "clothes"]
    assert parts(replace(NOTHING, cap=1), anny)[1] == ["hair"]
    assert parts(replace(NOTHING, cloth_cap=1), anny)[1] == ["clothes"]


def test_chances_are_kept(anny):
    spec = replace(NOTHING, glasses=0.5, shoulders=0.25)
    found = [parts(spec, anny, seed)[2] for seed in range(60)]
    assert 18 < sum("glasses" in f for f in found) < 42
    assert 5 < sum("clothes" in f for f in found) < 26


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"beard": 1.2}, "beard"),
        ({"glasses": float("nan")}, "glasses"),
        ({"strands": 0.7, "cap": 0.7}, "more than 1 together"),
        ({"hair_strands": 0}, "hair_strands"),
    ],
)
def test_values_out_of_range_are_refused(changes, field):
    with pytest.raises(InputError, match=field):
        replace(WearSpec(), **changes)
