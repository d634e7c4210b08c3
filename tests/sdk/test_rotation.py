import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.clip import Clip
from mien.rotation import (
    IDENTITY,
    matrix_from_quaternion,
    quaternion_conjugate,
    quaternion_from_angles,
    quaternion_from_matrix,
    quaternion_from_rotation_vector,
    quaternion_multiply,
    rotate,
    rotation_vector_from_quaternion,
    scale_rotation,
    unit_quaternion,
    yaw_pitch_roll_from_quaternion,
)

SEEDS = st.integers(0, 2**32 - 1)


def random_quaternions(seed: int, *shape: int) -> np.ndarray:
    return unit_quaternion(np.random.default_rng(seed).normal(size=(*shape, 4)))


@given(SEEDS)
def test_matrices_and_quaternions_agree(seed):
    q = random_quaternions(seed, 2, 3)
    m = matrix_from_quaternion(q)
    np.testing.assert_allclose(
        m @ np.swapaxes(m, -1, -2), np.broadcast_to(np.eye(3), m.shape), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(m), 1, atol=1e-12)
    np.testing.assert_allclose(quaternion_from_matrix(m), q, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("angle", [0.0, 1e-9, np.pi / 2, np.pi - 1e-9, np.pi])
def test_matrix_to_quaternion_at_hard_angles(axis, angle):
    vector = np.zeros(3)
    vector[axis] = angle
    m = matrix_from_quaternion(quaternion_from_rotation_vector(vector))
    np.testing.assert_allclose(matrix_from_quaternion(quaternion_from_matrix(m)), m, atol=1e-12)


@given(SEEDS)
def test_the_group_laws(seed):
    a, b, c = random_quaternions(seed, 3)
    v = np.random.default_rng(seed).normal(size=3)
    product = quaternion_multiply(a, b)
    np.testing.assert_allclose(rotate(product, v), rotate(a, rotate(b, v)), atol=1e-12)
    np.testing.assert_allclose(rotate(a, v), matrix_from_quaternion(a) @ v, atol=1e-12)
    np.testing.assert_allclose(
        quaternion_multiply(product, c),
        quaternion_multiply(a, quaternion_multiply(b, c)),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        unit_quaternion(quaternion_multiply(a, quaternion_conjugate(a))), IDENTITY, atol=1e-12
    )


@given(SEEDS)
def test_rotation_vectors_round_trip(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(5, 3))
    vectors *= rng.uniform(0, np.pi - 1e-6, (5, 1)) / np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[0] *= 1e-9
    back = rotation_vector_from_quaternion(quaternion_from_rotation_vector(vectors))
    np.testing.assert_allclose(back, vectors, atol=1e-9)


@given(SEEDS, st.floats(0, 1))
def test_fractions_compose_to_the_whole(seed, share):
    q = random_quaternions(seed)
    parts = quaternion_multiply(scale_rotation(q, share), scale_rotation(q, 1 - share))
    np.testing.assert_allclose(unit_quaternion(parts), q, atol=1e-9)


@given(SEEDS)
def test_angles_round_trip(seed):
    limits = np.array([np.pi - 1e-3, np.pi / 2 - 1e-3, np.pi - 1e-3])
    angles = np.random.default_rng(seed).uniform(-limits, limits, (7, 3))
    back = yaw_pitch_roll_from_quaternion(quaternion_from_angles(angles))
    np.testing.assert_allclose(back, angles, atol=1e-8)


@pytest.mark.parametrize("pitch", [-np.pi / 2, np.pi / 2])
def test_angles_at_the_poles_give_the_same_rotation(pitch):
    m = matrix_from_quaternion(quaternion_from_angles([0.4, pitch, 0.3]))
    angles = yaw_pitch_roll_from_quaternion(quaternion_from_matrix(m))
    assert angles[2] == 0
    np.testing.assert_allclose(matrix_from_quaternion(quaternion_from_angles(angles)), m, atol=1e-7)


def test_signs_of_the_angles():
    forward, up = [0, 0, 1], [0, 1, 0]
    assert rotate(quaternion_from_angles([0.3, 0, 0]), forward)[0] < 0  # own right is -X
    assert rotate(quaternion_from_angles([0, 0.3, 0]), forward)[1] < 0
    assert rotate(quaternion_from_angles([0, 0, 0.3]), up)[0] > 0  # own left is +X


def test_signs_agree_with_a_real_recording(shared_data):
    take = Clip.read(shared_data("livelink_rom/alex_rom_3.csv"))
    for eye, side in (("leftEye", "Left"), ("rightEye", "Right")):
        angles = np.stack([take[f"{eye}{name}"] for name in ("Yaw", "Pitch", "Roll")], axis=1)
        gaze = rotate(quaternion_from_angles(angles), [0, 0, 1])
        outwards = take[f"eyeLookOut{side}"] - take[f"eyeLookIn{side}"]
        left = outwards if side == "Left" else -outwards
        up = take[f"eyeLookUp{side}"] - take[f"eyeLookDown{side}"]
        assert np.corrcoef(gaze[:, 0], left)[0, 1] > 0.99
        assert np.corrcoef(gaze[:, 1], up)[0, 1] > 0.99
