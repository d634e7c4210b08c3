"""Points where pictures show skin are kept, hair and what is far is not."""

from dataclasses import replace

import numpy as np
from support.readings import perfect_reading

from mien_training.capture.learning.moment_reading import LAYERS
from mien_training.capture.scans.skin_points import skin_points
from mien_training.capture.skin_regions import skin_regions


def test_skin_hair_and_far(seen_head, anny):
    plain = perfect_reading(anny, seen_head, anny.vertices)
    reading = replace(plain, start=plain.truth)
    points = plain.truth[skin_regions(anny)["face"]]
    assert skin_points(reading, anny.triangles, points).mean() > 0.9
    assert not skin_points(reading, anny.triangles, points + np.float32([0, 0, 0.1])).any()
    # Where all views show something else, what they see is left out; what none sees is not.
    row = sum(list(LAYERS.values())[: list(LAYERS).index("skin")])
    maps = plain.maps.copy()
    maps[:, row] = 0
    kept = skin_points(replace(reading, maps=maps), anny.triangles, plain.truth)
    seen = seen_head.visible.sum(0) >= 2
    assert kept[seen].mean() < 0.1 < kept[~seen].mean()
