"""What hides behind the skin goes along, and rigid parts stay rigid."""

import numpy as np

from mien_training.anatomy.rigid_parts import RigidParts
from mien_training.capture.refinement.mesh_levels import skin_vertices
from mien_training.capture.whole_mesh import carried_mesh


def test_skin_that_stays_leaves_everything_and_a_shift_moves_everything(anny):
    chosen, start = skin_vertices(anny), anny.vertices
    np.testing.assert_array_equal(carried_mesh(anny, start, start[chosen]), start)
    shift = np.array([0.01, -0.02, 0.03], np.float32)
    moved = carried_mesh(anny, start, start[chosen] + shift)
    np.testing.assert_allclose(moved, start + shift, atol=1e-6)


def test_skin_is_where_it_is_said_to_be_and_solid_parts_keep_their_form(anny):
    chosen, start = skin_vertices(anny), anny.vertices
    rng = np.random.default_rng(0)
    skin = start[chosen] + rng.normal(0, 0.003, (len(chosen), 3)).astype(np.float32)
    moved = carried_mesh(anny, start, skin)
    np.testing.assert_allclose(moved[chosen], skin, atol=1e-6)
    for part in RigidParts(anny).part.numpy():
        away = (moved - start)[part]
        np.testing.assert_allclose(away, np.tile(away[0], (len(away), 1)), atol=1e-6)


def test_the_lining_stretches_between_what_moves(anny):
    chosen, start = skin_vertices(anny), anny.vertices
    skin = start[chosen].copy()
    skin[:, 1] += 0.01 * (start[chosen, 1] > 0.1)
    away = (carried_mesh(anny, start, skin) - start)[:, 1]
    assert (away > -1e-6).all() and (away < 0.01 + 1e-6).all()
