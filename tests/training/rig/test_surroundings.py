"""The scalp takes the colour that is seen there, and learnt colours stay."""

import pytest
import torch
from support.rig_scene import recorded_scene, small_person

from mien_training.head import MATERIALS
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.surroundings import paint_surroundings

pytestmark = pytest.mark.usefixtures("one_thread")

SKIN = MATERIALS.index("skin")


@pytest.fixture
def objective():
    """All frames are dark green; the light is white and even."""
    filmed = recorded_scene(small_person(), (20, 60, 30))
    return Objective(filmed.person, filmed.seen, filmed.fit.model, RigFitConfig())


def test_unseen_and_uncompared_texels_take_what_is_seen_and_learnt_ones_stay(objective):
    texture = objective.model.appearance.textures[SKIN]
    with torch.no_grad():
        texture[:] = 0.6
    seen = paint_surroundings(objective)
    painted = texture[0].detach()
    learnt = (painted - 0.6).abs().amax(0) < 1e-6
    green = torch.tensor([0.0070, 0.0452, 0.0130])[:, None]  # the codes, as light
    rest = painted[:, ~torch.from_numpy(seen)]
    assert 0.05 < learnt.float().mean() < 0.9 and 0.05 < seen.mean() < 1
    darkest = painted.flatten(1)[:, painted.flatten(1)[1].argsort()[:20]]
    torch.testing.assert_close(darkest, green.expand_as(darkest), atol=0.01, rtol=0)
    assert rest.amin() > 0.005 and rest.amax() < 0.601


def test_black_borders_are_no_hair(objective):
    objective.seen.images[:] = 0
    with torch.no_grad():
        objective.model.appearance.textures[SKIN][:] = 0.6
    paint_surroundings(objective)
    texture = objective.model.appearance.textures[SKIN]
    torch.testing.assert_close(texture, torch.full_like(texture, 0.6), atol=1e-5, rtol=0)
