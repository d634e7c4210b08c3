"""Skin, lips and teeth are seen; sockets and the backs of eyes are not."""

import numpy as np

from mien_training.avatar.anchors.sightings import sightings


def test_what_can_be_seen(anny):
    found = sightings(anny)
    lips = anny.regions["lips"][anny.triangles].any(1) & (anny.triangle_material == 0)
    assert found.seen[lips].mean() > 0.9
    eye = np.flatnonzero(anny.triangle_material == 1)
    depth = anny.vertices[anny.triangles[eye], 2].mean(1)
    assert found.seen[eye][depth > depth.max() - 0.003].mean() > 0.9
    assert not found.seen[eye][depth < depth.min() + 0.003].any()
    assert 0.1 < found.seen[anny.triangle_material == 2].mean() < 0.8  # crowns, not roots
    assert found.towards[eye][found.seen[eye], 2].min() > 0
    assert sightings(anny) is found
