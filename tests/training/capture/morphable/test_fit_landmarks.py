"""Fits to landmarks recover the face that they lie on."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.capture.morphable.fit_landmarks import fit_landmarks
from mien_training.capture.morphable.morphable_fit import FitConfig
from mien_training.templates.regions import face_region


def test_a_member_of_the_basis_is_recovered_where_landmarks_are(heads, anny):
    rng = np.random.default_rng(0)
    c = rng.standard_normal(len(heads.variances)) * np.sqrt(heads.variances)
    turn = Rotation.from_rotvec([0.1, 2.5, -0.4]).as_matrix()
    true = heads.vertices(c) @ turn.T + [0.4, 1.0, -2.0]
    points = anny.landmarks.positions(true.astype(np.float32), anny.triangles).astype(np.float64)
    points[rng.random(len(points)) < 0.3] = np.nan
    fit = fit_landmarks(
        heads, anny, points, config=FitConfig(noise_m=1e-4, effective_points=1e4, scale_m=0.02)
    )
    face = face_region(anny)
    errors = np.linalg.norm(fit.vertices - true, axis=1)[face]
    assert np.median(errors) < 1e-3 and np.median(fit.residuals) < 2e-4
    assert (np.diff(fit.objective) <= 0).all()
    rough = fit_landmarks(heads, anny, points + rng.normal(0, 0.003, points.shape))
    assert np.linalg.norm(rough.vertices - true, axis=1)[face].mean() < 4e-3


def test_too_few_points_are_refused(heads, anny):
    points = np.full((478, 3), np.nan)
    points[:5] = 0
    with pytest.raises(InputError, match="at least 12"):
        fit_landmarks(heads, anny, points)
    with pytest.raises(InputError, match="478"):
        fit_landmarks(heads, anny, points[:5])
