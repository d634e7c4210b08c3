"""How well a person explains frames: best as they were, worse off them, masks count."""

from dataclasses import replace

import pytest
import torch
from support.rig_scene import recorded_scene, small_person

from mien_training.rig.fit_config import LossWeights, RigFitConfig
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.objective import Objective

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")

CONFIG = RigFitConfig(smoothing="none", texture_side=16, whole_head=True)
FRAMES = torch.tensor([2, 14])


@pytest.fixture(scope="module")
def filmed():
    """A speckled head before its own images."""
    person = small_person()
    begin = recorded_scene(person)
    torch.manual_seed(0)
    with torch.no_grad():
        begin.fit.model.appearance.textures[0].uniform_(0.1, 0.9)
    objective = Objective(person, begin.seen, begin.fit.model, CONFIG)
    with torch.no_grad():
        shapes, motion = begin.fit.model.rig(), objective.motion_at(torch.arange(24))
        grey = begin.seen.images.float() / 255
        rendered = objective.renderer(
            shapes.posed(motion), begin.seen.views, begin.seen.camera,
            begin.fit.model.appearance, grey,
        )  # fmt: skip
    codes = (rendered.colour * 255).round().clamp(0, 255).byte()
    return replace(begin, seen=replace(begin.seen, images=codes, masks=rendered.coverage > 0.5))


def objective_of(filmed, **parts):
    seen = replace(filmed.seen, **parts)
    return Objective(filmed.person, seen, filmed.fit.model, CONFIG)


def moved(filmed, metres):
    shapes = filmed.fit.model.rig()
    return Shapes(shapes.neutral + torch.tensor([metres, 0.0, 0.0]), shapes.deltas)


def test_the_truth_explains_its_images(filmed):
    figures = objective_of(filmed).explain(filmed.fit.model.rig(), FRAMES, 1.0).figures
    assert figures["photometric"] < 0.01 and figures["silhouette"] < 0.01
    # The camera's clock has been found 4 ms off, the points have not.
    assert figures["landmark"] < 1e-4


def test_what_is_off_explains_less(filmed):
    objective = objective_of(filmed)
    true, off = (objective.explain(moved(filmed, m), FRAMES, 1.0).figures for m in (0.0, 0.01))
    assert all(off[key] > 3 * true[key] for key in ("photometric", "landmark", "silhouette"))


def test_the_loss_is_its_parts_by_their_weights(filmed):
    objective = objective_of(filmed)
    looked = objective.explain(moved(filmed, 0.01), FRAMES, 0.7)
    weights, figures = LossWeights(), looked.figures
    expected = (
        weights.photometric * figures["photometric"]
        + 0.7 * figures["landmark"]
        + weights.silhouette * figures["silhouette"]
    )
    assert float(looked.loss.detach()) == pytest.approx(expected, rel=1e-5)


def test_frames_together_are_the_mean_of_single_ones(filmed):
    objective, shapes = objective_of(filmed), moved(filmed, 0.005)
    both = objective.explain(shapes, FRAMES, 1.0).figures["landmark"]
    alone = [objective.explain(shapes, FRAMES[i : i + 1], 1.0).figures["landmark"] for i in (0, 1)]
    assert both == pytest.approx(sum(alone) / 2, rel=1e-3)  # of frames, by confidence


def test_only_what_the_mask_shows_is_compared(filmed):
    half = filmed.seen.masks.clone()
    half[:, :, : half.shape[2] // 2] = False
    objective = objective_of(filmed, masks=half)
    rendered = objective.renderer(
        filmed.fit.model.rig().posed(objective.motion_at(FRAMES)), filmed.seen.views,
        filmed.seen.camera[FRAMES], filmed.fit.model.appearance,
        filmed.seen.images[FRAMES].float() / 255,
    )  # fmt: skip
    compared = objective.compared(rendered, FRAMES)
    assert compared.any() and not compared[:, :, : half.shape[2] // 2].any()
    whole = objective_of(filmed, masks=None)
    assert (whole.compared(rendered, FRAMES) >= compared).all()
    assert "silhouette" not in whole.explain(filmed.fit.model.rig(), FRAMES, 1.0).figures


def test_the_likeliest_person_is_the_template(filmed):
    objective, rig = objective_of(filmed), filmed.fit.model.rig
    assert not objective.plausible().detach()
    with torch.no_grad():
        rig.identity.fill_(0.5)
    assert objective.plausible().detach() > 0
    with torch.no_grad():
        rig.identity.zero_()


def test_gradients_reach_neutral_and_appearance(filmed):
    objective, model = objective_of(filmed), filmed.fit.model
    shapes = Shapes(model.rig.neutral(), model.rig().deltas.detach())
    off = Shapes(shapes.neutral + torch.tensor([0.004, 0.0, 0.0]), shapes.deltas)
    objective.explain(off, FRAMES, 1.0).loss.backward()
    assert model.rig.u_neutral.grad[:, 0].sum() > 0  # it should go back
    assert any(p.grad is not None and p.grad.any() for p in model.appearance.parameters())
