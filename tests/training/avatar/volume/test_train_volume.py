"""It learns: better than the mean image in seconds, the same after any interruption, and the warp
does not outlive the training."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien.errors import InputError  # noqa: E402
from mien_training.avatar.judge import psnr_by_region  # noqa: E402
from mien_training.avatar.textured_mesh import mean_image  # noqa: E402
from mien_training.avatar.volume.train_volume import train_volume  # noqa: E402
from mien_training.avatar.volume.volume_config import SIZES, VolumeConfig  # noqa: E402
from mien_training.runs.checkpoint import Checkpoint  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def train(film, atlas, checkpoint=None, report=lambda _: None, **options):
    config = VolumeConfig(hair=False, **options)
    looked_at = torch.zeros(film.images.shape[:3])
    return train_volume(film, atlas, config, looked_at, checkpoint, report)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Fewer rays and a thinner network: the film has 32 pixels."""
    small = replace(SIZES["small"], widths=(4, 8, 8), rays=128, samples=(6, 6), rate=0.01)
    sizes = dict(SIZES, small=small)
    monkeypatch.setattr("mien_training.avatar.volume.volume_config.SIZES", sizes)


def test_it_beats_the_mean_image(ball_film, ball_atlas):
    avatar, warp, trained = train(ball_film, ball_atlas, steps=200, anchoring="surface")
    assert trained.step == 200

    def draw(frame):
        v, codes = ball_film.vertices([frame]), ball_film.codes([frame])
        return avatar.image(v, codes, ball_film.camera(frame), 32).numpy()

    mean = mean_image(ball_film)
    masks = {"head": ball_film.alpha > 0}
    ours = psnr_by_region(ball_film, masks, ball_film.held_out, draw)
    theirs = psnr_by_region(ball_film, masks, ball_film.held_out, lambda _: mean)
    print(ours, theirs)
    assert ours["head"] > theirs["head"] + 2 and ours["alpha"] < 0.6 * theirs["alpha"]
    # What is drawn at run time does not know of the warp.
    before = draw(13)
    with torch.no_grad():
        for parameter in warp.parameters():
            parameter += 1.0
    assert (draw(13) == before).all()


@pytest.mark.parametrize("at", [3, 7])
def test_interrupted_it_ends_where_it_would_have(ball_film, ball_atlas, tmp_path, monkeypatch, at):
    monkeypatch.setattr("mien_training.avatar.volume.train_volume._CHECK", 2)
    options = {"steps": 8, "warp_from": 0.3}
    whole, warp, trained = train(ball_film, ball_atlas, **options)

    def interrupt(now):
        if now.done == at:
            raise KeyboardInterrupt

    kept = Checkpoint(tmp_path / "volume.pt", {"film": "balls"})
    with pytest.raises(KeyboardInterrupt):
        train(ball_film, ball_atlas, kept, interrupt, **options)
    torch.rand(3)
    again, other, resumed = train(ball_film, ball_atlas, kept, **options)
    for mine, theirs in ((again, whole), (other, warp)):
        state = theirs.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in mine.state_dict().items())
    assert resumed.history == trained.history


def test_the_warp_starts_late(ball_film, ball_atlas):
    _, off, _ = train(ball_film, ball_atlas, steps=4, warp_from=1.0)
    _, never, _ = train(ball_film, ball_atlas, steps=4, warp=False)
    _, on, _ = train(ball_film, ball_atlas, steps=4, warp_from=0.0)
    assert all(torch.equal(p, q) for p, q in zip(off.parameters(), never.parameters(), strict=True))
    assert not torch.equal(on.move[2].bias, off.move[2].bias)


def test_films_that_cannot_teach_are_refused(ball_film, ball_atlas):
    with pytest.raises(InputError, match="coverage is not known"):
        train(replace(ball_film, alpha=None), ball_atlas)
    with pytest.raises(InputError, match="looked_at"):
        train_volume(ball_film, ball_atlas, VolumeConfig(hair=False), torch.zeros(2, 3, 3))
