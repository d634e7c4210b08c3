"""Registration gives back a person who is known, and a real scan looks like itself."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.head import MATERIALS
from mien_training.metrics.mesh_errors import point_to_surface_mm, summarise, vertex_errors_mm
from mien_training.rig.scan.registration import ScanFitConfig, register_scan
from mien_training.templates.regions import face_region

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


@pytest.fixture(scope="module")
def losses():
    return []


@pytest.fixture(scope="module")
def fit(template, known, losses):
    config = ScanFitConfig(steps=40)
    return register_scan(
        known.scan, template, config,
        report=lambda now: losses.append((now.done, now.figures["loss"])),
    )  # fmt: skip


def test_a_known_person_comes_back(template, known, fit):
    face = face_region(template)
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    seen = fit.world_from_rig.points(fit.fitted)
    true = known.scale * known.expression @ known.rotation.T + known.shift
    found = summarise(point_to_surface_mm(seen[face] / 1000, true / 1000, skin))
    assert found.median < 0.1 and found.p90 < 0.3
    neutral = summarise(point_to_surface_mm(fit.neutral[face], known.neutral, skin, "rigid"))
    assert neutral.median < 0.3
    assert summarise(vertex_errors_mm(fit.neutral, known.neutral, face, "rigid")).median < 1.5


def test_closed_eyes_are_seen_and_opened(template, fit):
    assert min(fit.expressions.values()) > 0.9
    for side, sign in (("Left", 1), ("Right", -1)):
        lids = template.regions["lids"] & (sign * template.vertices[:, 0] > 0)
        blink = template.shape_deltas[template.shape_names.index(f"eyeBlink{side}"), lids]
        opened = (fit.neutral - fit.fitted)[lids]
        moving = np.linalg.norm(blink, axis=1) > 0.004
        assert opened[moving, 1].min() > 0.003


def test_eyeballs_stay_the_templates_spheres(template, fit):
    for sign in (1, -1):
        ball = template.regions["eyes"] & (sign * template.vertices[:, 0] > 0)
        shape, place = (v[ball] - v[ball].mean(0) for v in (template.vertices, fit.neutral))
        scale = (place * shape).sum() / (shape * shape).sum()
        np.testing.assert_allclose(place, scale * shape, atol=1e-6)
        assert 0.85 < scale < 1.2


def test_size_and_place_are_the_scans(known, fit):
    assert fit.metres_per_unit == 0.001 and not fit.size_is_guessed
    assert np.isclose(fit.world_from_rig.scale, 1000.0)
    apart = np.linalg.norm(fit.world_from_rig.points(fit.fitted) - known.shift, axis=1)
    assert apart.min() < 100 and apart.max() < 400
    assert np.median(fit.distance_m[fit.attracted > 0.5]) < 3e-4


def test_progress_counts_and_the_loss_falls(losses):
    assert [step for step, _ in losses] == list(range(1, len(losses) + 1))
    assert losses[-1][1] < 0.2 * losses[0][1]


def test_landmarks_may_fade_to_nothing(template, known):
    """In the last level they weigh exactly 0, and the head stays a head."""
    config = ScanFitConfig(steps=3, lambdas=(100.0, 8.0), landmark_weight=(0.3, 0.0))
    assert np.isfinite(register_scan(known.scan, template, config).fitted).all()


def test_bad_settings_are_refused(template, known):
    with pytest.raises(InputError, match="expected at least one"):
        ScanFitConfig(lambdas=())
    with pytest.raises(InputError, match="landmark_weight"):
        ScanFitConfig(landmark_weight=(0.3, -1.0))
    with pytest.raises(InputError, match="scalp 2"):
        ScanFitConfig(scalp=2.0)
    with pytest.raises(InputError, match="has no noseGrow"):
        register_scan(known.scan, template, ScanFitConfig(expressions=("noseGrow",)))
