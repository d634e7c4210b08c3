"""An arch of fourteen crowns and a gum, mirror-symmetric, closed towards the viewer."""

import numpy as np
import pytest

from mien_training.templates.teeth import ArchShape, build_arch


@pytest.mark.parametrize("make", [ArchShape.upper, ArchShape.lower])
def test_arch(make):
    shape = make((0.06, 0.12))
    arch = build_arch(shape)
    assert np.isfinite(arch.vertices).all() and arch.uvs.min() >= -1e-6 and arch.uvs.max() <= 1.001
    crowns = np.unique(arch.polygons[~arch.is_gum])
    teeth = arch.vertices[crowns[crowns >= 0]]
    assert np.ptp(teeth[:, 0]) == pytest.approx(2 * shape.half_width, abs=0.012)
    # The biting edge is at y = 0.06, crowns grow away from it.
    edge = (teeth[:, 1] - 0.06) * shape.sign
    assert edge.min() > -0.002 and 0.006 < edge.max() < 0.013
    mirrored = {tuple(v) for v in np.round(teeth * [-1, 1, 1] * 1e6).astype(int)}
    own = {tuple(v) for v in np.round(teeth * 1e6).astype(int)}
    assert len(mirrored & own) > 0.95 * len(own)


@pytest.mark.parametrize("make", [ArchShape.upper, ArchShape.lower])
def test_crowns_face_outwards(make):
    arch = build_arch(make((0.06, 0.12)))
    front = arch.polygons[~arch.is_gum]
    a, b, c = (arch.vertices[front[:, k]].astype(float) for k in range(3))
    normal, middle = np.cross(b - a, c - a), (a + b + c) / 3
    labial = middle[:, 2] > np.quantile(arch.vertices[:, 2], 0.97)
    assert (normal[labial, 2] > 0).mean() > 0.9
