"""Tension of regions: means of the skin's own, 0 at rest, on the side that moves."""

import numpy as np
import pytest

from mien.deform import blend
from mien.errors import InputError
from mien_training.detail.region_tension import RegionTension, gate_images
from mien_training.detail.wrinkle_regions import REGION_NAMES


@pytest.fixture(scope="module")
def faces(head_tension):
    rig = head_tension.gates.rig
    weights = np.random.default_rng(0).uniform(0, 1, (3, len(rig.shape_names)))
    return blend(rig, (weights * (weights < 0.4)).astype(np.float32))


def under(tension, *names):
    rig = tension.gates.rig
    row = np.zeros((1, len(rig.shape_names)), np.float32)
    row[0, [rig.shape_index[name] for name in names]] = 1
    return dict(zip(REGION_NAMES, tension.weights(blend(rig, row))[0], strict=True))


def test_shares_are_of_each_regions_whole(head_tension):
    share = head_tension.share
    assert share.shape == (len(REGION_NAMES), len(head_tension.gates.rig.vertices))
    np.testing.assert_allclose(share.sum(1), 1, atol=1e-5)
    assert share.min() >= 0


def test_the_neutral_is_at_rest_and_a_batch_equals_singles(head_tension, faces):
    assert not head_tension.weights(head_tension.gates.rig.vertices[None]).any()
    whole = head_tension.weights(faces)
    assert whole.min() >= -1 and whole.max() <= 1
    np.testing.assert_allclose(
        whole, np.concatenate([head_tension.weights(face[None]) for face in faces]), atol=1e-6
    )


def test_raised_brows_press_the_forehead_and_pull_the_glabella(head_tension):
    found = under(head_tension, "browInnerUp", "browOuterUpLeft", "browOuterUpRight")
    for side in ("Left", "Right"):
        assert found[f"foreheadUpperMiddle{side}"] < -0.3 < 0.3 < found[f"glabella{side}"]


def test_one_side_moves_by_itself(head_tension):
    left, right = (under(head_tension, f"mouthSmile{side}") for side in ("Left", "Right"))
    for name in ("cheek", "mouthCorner", "nasolabialLower"):
        assert abs(left[f"{name}Left"]) > 3 * abs(left[f"{name}Right"])
        assert left[f"{name}Left"] == pytest.approx(right[f"{name}Right"], abs=0.05)


def test_images_show_the_gates_at_the_vertices(head_tension, head_atlas, anny, faces):
    gates = head_tension.gates
    first = np.array([np.flatnonzero((gates.rig.vertices == v).all(1))[0] for v in anny.vertices])
    texels = head_atlas.texels(64)
    images = gate_images(gates, faces, texels, first)
    for image, gate in zip(images, gates.at(faces), strict=True):
        assert image.shape == (3, 64, 64) and image.min() >= 0 and image.max() < 1 + 1e-5
        shown = image.reshape(3, -1)[:, texels.texel]
        np.testing.assert_allclose(shown[1], texels.interpolate(gate[1, first]), atol=1e-6)
        assert not np.delete(image.reshape(3, -1), texels.texel, 1).any()


def test_places_of_another_mesh_are_refused(head_tension):
    with pytest.raises(InputError, match=r"places \(5, 2\), expected \(\d+, 2\)"):
        RegionTension.of(head_tension.gates.rig, np.zeros((5, 2), np.float32))
