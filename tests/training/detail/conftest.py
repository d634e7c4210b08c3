"""What tests of skin detail share: a default head, and somebody with wrinkles, photographed."""

from functools import partial

import numpy as np
import pytest

EXPRESSIONS = (
    (),
    ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ("browDownLeft", "browDownRight", "noseSneerLeft", "noseSneerRight"),
    ("eyeSquintLeft", "eyeSquintRight", "cheekSquintLeft", "cheekSquintRight"),
    ("mouthSmileLeft", "mouthSmileRight"),
    (),
)
TURNS = ((0, 0, 0), (0.25, 0, 0), (-0.25, 0, 0), (0.1, 0.1, 0), (-0.1, -0.1, 0), (0.4, 0, 0))


def expression_rows(shape_names):
    """(E, K) weights of EXPRESSIONS."""
    rows = np.zeros((len(EXPRESSIONS), len(shape_names)), np.float32)
    for row, names in zip(rows, EXPRESSIONS, strict=True):
        row[[shape_names.index(name) for name in names]] = 1
    return rows


@pytest.fixture(scope="session")
def head_atlas(anny):
    from mien_training.rendering.relief.face_atlas import FaceAtlas

    return FaceAtlas.of(anny)


@pytest.fixture(scope="session")
def head_tension(anny, head_atlas):
    from mien_training.detail.region_tension import RegionTension
    from mien_training.head import rig_from_template

    rig, source = rig_from_template(anny, "anny")
    return RegionTension.of(rig, head_atlas.places[source])


@pytest.fixture
def small_network(monkeypatch):
    """A wrinkle network of few expressions and steps, where something else is tested."""
    from mien_training.detail import drawn_detail, train, wrinkle_network

    few = partial(wrinkle_network.train_wrinkle_network, count=200)
    monkeypatch.setattr(wrinkle_network, "_STEPS", 100)
    for module in (drawn_detail, train):
        monkeypatch.setattr(module, "train_wrinkle_network", few)


@pytest.fixture(scope="session")
def small_basis(anny):
    """Of ten people and their mirror images, 64 texels a side."""
    from mien_training.detail.basis.detail_basis import joint_basis
    from mien_training.detail.basis.train_basis import person_detail
    from mien_training.detail.wrinkle_regions import region_masks

    maps = np.stack([person_detail(anny, seed, 64) for seed in range(10)])
    maps = np.concatenate([maps, maps[..., ::-1]]).reshape(20, 3, -1)
    texel = np.flatnonzero(maps.std(0).max(0) > 2e-5).astype(np.int32)
    masks = region_masks(64).reshape(-1, 64 * 64)[:, texel]
    return joint_basis(64, texel, maps[..., texel], masks, (3, 3, 2))


@pytest.fixture(scope="session")
def wrinkled(anny):
    """An old synthetic person."""
    from mien_training.synthetic.relief.wrinkled_person import WrinkledPerson

    return WrinkledPerson.make(anny, 7, 0.95, 512)


@pytest.fixture(scope="session")
def footage(wrinkled):
    """Six images of them, 256 pixels a side."""
    from mien_training.synthetic.scene import RandomScene

    rows = expression_rows(wrinkled.person.rig.shape_names)
    return wrinkled.photograph(rows, np.array(TURNS, np.float64), RandomScene(11, size=256))


@pytest.fixture(scope="session")
def observe():
    """(person, footage, atlas side) -> their skin."""
    return observed


def observed(wrinkled, footage, size):
    """Their skin on an atlas of `size` texels a side."""
    import torch

    from mien_training.cameras.camera_batch import CameraBatch
    from mien_training.detail.fit.observed_skin import observe_skin

    return observe_skin(
        torch.from_numpy(footage.images), torch.from_numpy(footage.vertices),
        CameraBatch.of([footage.camera]), torch.zeros(len(footage.images), dtype=torch.long),
        wrinkled.atlas, size,
    )  # fmt: skip


@pytest.fixture(scope="session")
def observed_64(wrinkled, footage):
    return observed(wrinkled, footage, 64)


@pytest.fixture(scope="session")
def observed_256(wrinkled, footage):
    return observed(wrinkled, footage, 256)
