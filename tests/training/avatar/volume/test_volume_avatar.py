"""What is drawn: the same for a head and camera that move together, one frame or many, and nothing
where there is no head."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien.avatar import Pinhole  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien_training.avatar.volume.volume_avatar import VolumeAvatar  # noqa: E402
from mien_training.avatar.volume.volume_config import VolumeConfig  # noqa: E402


@pytest.fixture(scope="module", params=["nearest", "surface"])
def avatar(request, untrained):
    return untrained(anchoring=request.param)


def test_head_and_camera_that_move_together_look_the_same(avatar, ball_film):
    v, codes, camera = ball_film.vertices([3]), ball_film.codes([3]), ball_film.camera(3)
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_rotvec([0.5, -0.8, 0.3]).as_matrix()
    motion[:3, 3] = 0.2, -0.1, 0.4
    moved = v.double() @ torch.from_numpy(motion[:3, :3].T) + torch.from_numpy(motion[:3, 3])
    elsewhere = Pinhole(camera.K, camera.camera_from_world @ np.linalg.inv(motion))
    here = avatar.image(v, codes, camera, 32)
    there = avatar.image(moved.float(), codes, elsewhere, 32)
    assert float(here[..., 3].max()) > 0.9
    apart = (here - there).abs().amax(2)
    assert apart.quantile(0.99) < 2e-3 and apart.mean() < 5e-4


def test_frames_together_are_frames_alone(avatar, ball_film):
    frames = [1, 4, 9]
    with torch.no_grad():
        both = avatar(ball_film.vertices(frames), ball_film.codes(frames))
        for posed, frame in zip(both, frames, strict=True):
            alone = avatar.image(
                ball_film.vertices([frame]), ball_film.codes([frame]), ball_film.camera(frame), 24
            )
            torch.testing.assert_close(
                posed.image(ball_film.camera(frame), 24), alone, atol=1e-5, rtol=0
            )


def test_rays_in_chunks_are_rays_together(avatar, ball_film, monkeypatch):
    args = (ball_film.vertices([0]), ball_film.codes([0]), ball_film.camera(0), 32)
    whole = avatar.image(*args)
    monkeypatch.setattr("mien_training.avatar.volume.volume_avatar._POINTS", 700)
    torch.testing.assert_close(avatar.image(*args), whole, atol=1e-5, rtol=0)


def test_images_are_premultiplied_and_empty_around(avatar, ball_film):
    image = avatar.image(ball_film.vertices([2]), ball_film.codes([2]), ball_film.camera(2), 32)
    assert (image[..., :3] <= image[..., 3:] + 1e-6).all() and (image >= 0).all()
    assert (image[0, 0] == 0).all() and (image[-1, -1] == 0).all()


def test_far_from_the_head_density_is_zero(avatar, ball_film):
    with torch.no_grad():
        posed = avatar(ball_film.vertices([0]), ball_film.codes([0]))[0]
        far = 0.3 * torch.nn.functional.normalize(torch.randn(50, 3), dim=1)
        assert (posed.density(far) == 0).all()
        assert (posed.density(posed.vertices[:50] * 0.95) > 0).any()


def test_anchors_that_stay_do_not_follow(untrained, ball_film):
    neutral = torch.from_numpy(ball_film.person.vertices)
    for posed, follows in ((True, True), (False, False)):
        avatar = untrained(posed=posed)
        with torch.no_grad():
            found = avatar(ball_film.vertices([4]), ball_film.codes([4]))[0]
            rest = avatar.anchoring.pose(neutral).poses.positions
        assert ((found.anchors.poses.positions - rest).abs().max() > 1e-4) == follows


def test_the_papers_size_with_hair(anny, anny_atlas, ball_film):
    config = VolumeConfig(size="paper", network="appended")
    avatar = VolumeAvatar(anny, 58, anny_atlas, config)
    camera = Pinhole(
        np.array([[60.0, 0, 4], [0, 60, 4], [0, 0, 1]]),
        np.array([[1.0, 0, 0, 0], [0, -1, 0, float(anny.vertices[:, 1].mean())], [0, 0, -1, 0.9],
                  [0, 0, 0, 1]]),
    )  # fmt: skip
    with torch.no_grad():
        posed = avatar(torch.from_numpy(anny.vertices[None]), torch.zeros(1, 58))[0]
        rays = posed.rays(camera, 8)
        coarse, fine = posed.march(rays.only(slice(0, 6)))
    assert coarse.weights.shape == (6, 64) and fine.weights.shape == (6, 128)
    assert torch.isfinite(fine.colour).all()


def test_other_meshes_are_refused(untrained):
    with pytest.raises(InputError, match="expected"):
        untrained()(torch.zeros(1, 7, 3), torch.zeros(1, 8))
