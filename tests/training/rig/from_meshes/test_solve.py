"""Laws of the solve: exact data come back, and nothing depends on where or in which order."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.mesh_takes import bump_head, mesh_take

from mien.errors import InputError
from mien_training.geometry.alignment import fit_alignment
from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.mesh_motion import WeightBelief
from mien_training.rig.from_meshes.solve import fit_meshes
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.stages import Stages

SMALL = MeshFitConfig(points=300, anchors=20, rounds=5, detail_share=0.1)


@pytest.fixture(scope="module")
def take():
    return mesh_take(bump_head())


def believed(take, spread=0.15, off=0.05):
    rng = np.random.default_rng(5)
    about = take.weights + rng.normal(0, off, take.weights.shape)
    return WeightBelief(about.clip(0, 1), np.full(about.shape, spread))


def in_world(fit):
    """(T, V, 3) the meshes that a fit stands for."""
    local = fit.neutral + np.tensordot(fit.motion.weights, fit.deltas, 1)
    turned = np.einsum("tij,tvj->tvi", fit.motion.rotation, local)
    return turned + fit.motion.translation[:, None]


def test_exact_meshes_and_known_weights_give_the_person_back(take):
    fit = fit_meshes(take.template, take.meshes, believed(take, 1e-3, 0.0), SMALL)
    skin = take.template.regions["skin"]
    np.testing.assert_allclose(in_world(fit)[:, skin], take.meshes.vertices[:, skin], atol=3e-5)
    # Shapes too, of the size that the convention gives them.
    size = np.linalg.norm(fit.deltas[:, skin], axis=(1, 2), keepdims=True)
    true = np.linalg.norm(take.deltas[:, skin], axis=(1, 2), keepdims=True)
    turned = fit.deltas[:, skin] @ fit.motion.rotation[0].T @ take.meshes.world_from_head[0, :3, :3]
    np.testing.assert_allclose(turned * (true / size), take.deltas[:, skin], atol=1e-4)


def test_the_error_is_the_distance_from_the_meshes(take):
    fit = fit_meshes(take.template, take.meshes, believed(take), replace(SMALL, rounds=1))
    apart = np.linalg.norm(in_world(fit) - take.meshes.vertices, axis=2)
    np.testing.assert_allclose(fit.error_m, apart, atol=2e-6)


def test_personal_shapes_come_nearer_than_the_templates():
    take = mesh_take(bump_head(), noise_m=2e-4, moments=24)
    fit = fit_meshes(take.template, take.meshes, believed(take), SMALL)
    skin = take.template.regions["skin"]
    move = fit_alignment(fit.neutral[skin], take.neutral[skin])

    def off(deltas):
        """Beyond the best scale of each shape."""
        found, true = deltas[:, skin], take.deltas[:, skin]
        gain = (found * true).sum((1, 2)) / np.square(found).sum((1, 2))
        return np.linalg.norm(gain[:, None, None] * found - true, axis=2).mean()

    assert off(move.vectors(fit.deltas)) < 0.7 * off(take.template.shape_deltas)


def test_a_rigid_motion_of_all_meshes_changes_poses_alone(take):
    moved = np.eye(4)
    moved[:3, :3] = Rotation.from_rotvec([0.4, -0.9, 0.3]).as_matrix()
    moved[:3, 3] = (0.2, -0.1, 0.5)
    world = take.meshes.vertices @ moved[:3, :3].T.astype(np.float32) + moved[:3, 3]
    meshes = replace(
        take.meshes, vertices=world.astype(np.float32),
        world_from_head=moved @ take.meshes.world_from_head,
    )  # fmt: skip
    config = replace(SMALL, rounds=2)
    here = fit_meshes(take.template, take.meshes, believed(take), config)
    there = fit_meshes(take.template, meshes, believed(take), config)
    np.testing.assert_allclose(there.neutral, here.neutral, atol=2e-6)
    np.testing.assert_allclose(there.deltas, here.deltas, atol=2e-6)
    np.testing.assert_allclose(there.motion.weights, here.motion.weights, atol=1e-4)
    expected = moved @ here.motion.world_from_rig()
    np.testing.assert_allclose(there.motion.world_from_rig(), expected, atol=1e-5)


def test_the_neutral_of_a_free_take_is_not_its_mean_face(take):
    """Nothing is known of the weights, which are a half in the mean."""
    shape = take.weights.shape
    config = replace(SMALL, rounds=1)
    belief = WeightBelief(np.zeros(shape), np.full(shape, config.unasked_spread))
    fit = fit_meshes(take.template, take.meshes, belief, config)
    skin = take.template.regions["skin"]

    def off(neutral):
        move = fit_alignment(neutral[skin], take.neutral[skin])
        return np.linalg.norm(move.points(neutral[skin]) - take.neutral[skin], axis=1).max()

    assert off(fit.neutral) < 0.4 * off(take.local().mean(0))


def test_the_order_of_the_moments_does_not_matter(take):
    order = np.random.default_rng(1).permutation(len(take.meshes))
    shuffled = replace(
        take.meshes, vertices=take.meshes.vertices[order],
        world_from_head=take.meshes.world_from_head[order],
    )  # fmt: skip
    config, belief = replace(SMALL, rounds=2), believed(take)
    here = fit_meshes(take.template, take.meshes, belief, config)
    there = fit_meshes(
        take.template, shuffled, WeightBelief(belief.mean[order], belief.spread[order]), config
    )
    np.testing.assert_allclose(there.deltas, here.deltas, atol=1e-7)
    np.testing.assert_allclose(there.motion.weights, here.motion.weights[order], atol=1e-6)


def test_weights_stay_within_their_bounds():
    take = mesh_take(bump_head(), noise_m=2e-3, moments=8, seed=3)
    fit = fit_meshes(take.template, take.meshes, believed(take, 1.0, 0.5), SMALL)
    assert fit.motion.weights.min() == 0.0
    assert fit.motion.weights.max() <= 1.0 + 1e-9


def test_what_is_not_believed_hardly_counts(take):
    """Nonsense over a part of the skin, without confidence, in half of the moments."""
    skin = np.flatnonzero(take.template.regions["skin"])[::4]
    vertices, confidence = take.meshes.vertices.copy(), take.meshes.confidence.copy()
    vertices[::2, skin] += 0.02
    nonsense = replace(take.meshes, vertices=vertices)
    confidence[::2, skin] = 0
    config, belief = replace(SMALL, rounds=2), believed(take)
    usual = fit_meshes(take.template, take.meshes, belief, config)
    doubted = fit_meshes(take.template, replace(nonsense, confidence=confidence), belief, config)
    taken_in = fit_meshes(take.template, nonsense, belief, config)
    off, worse = (np.abs(f.neutral - usual.neutral).max() for f in (doubted, taken_in))
    assert off < 5e-4 < worse


def test_poses_that_are_wrong_and_not_solved_hurt(take):
    wrong = np.tile(np.eye(4), (len(take.meshes), 1, 1))
    turns = np.random.default_rng(2).normal(0, 0.02, (len(take.meshes), 3))
    wrong[:, :3, :3] = Rotation.from_rotvec(turns).as_matrix()
    meshes = replace(take.meshes, world_from_head=take.meshes.world_from_head @ wrong)
    skin = take.template.regions["skin"]
    solved, left = (
        fit_meshes(take.template, meshes, believed(take), replace(SMALL, solve_pose=s, rounds=3))
        for s in (True, False)
    )
    np.testing.assert_array_equal(left.motion.world_from_rig(), meshes.world_from_head)
    assert solved.error_m[:, skin].mean() < 0.2 * left.error_m[:, skin].mean()


def test_a_solve_that_was_interrupted_goes_on(take, tmp_path):
    class Enough(Exception):
        pass

    def stop_after(rounds):
        def report(now):
            if now.done == rounds:
                raise Enough

        return report

    def call(stages, report):
        return fit_meshes(take.template, take.meshes, believed(take), SMALL, stages, report)

    whole = call(Stages(), lambda now: None)
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", {})
    with pytest.raises(Enough):
        call(Stages(checkpoint), stop_after(2))
    seen = []
    again = call(Stages(checkpoint), lambda now: seen.append(now.done))
    assert seen == [3, 4, 5]
    np.testing.assert_array_equal(again.deltas, whole.deltas)
    np.testing.assert_array_equal(again.motion.weights, whole.motion.weights)


def test_what_does_not_fit_together_is_refused(take):
    belief = believed(take)
    with pytest.raises(InputError, match="no moments"):
        fit_meshes(take.template, take.meshes.take(slice(0, 0)), belief, SMALL)
    with pytest.raises(InputError, match="weights believed"):
        fit_meshes(take.template, take.meshes.take(slice(0, 3)), belief, SMALL)
    fewer = replace(
        take.meshes, vertices=take.meshes.vertices[:, :9], confidence=take.meshes.confidence[:, :9],
        views=take.meshes.views[:, :9], spread_m=take.meshes.spread_m[:, :9],
    )  # fmt: skip
    with pytest.raises(InputError, match="meshes of 9 vertices"):
        fit_meshes(take.template, fewer, belief, SMALL)
