"""The networks of a volume are refused for what cannot be, and what they give is checked."""

import numpy as np
import pytest
from support.volume_avatars import sphere_volume

from mien.avatar.playback.volume_networks import VolumeNetworks
from mien.errors import InputError, MienError
from mien_exporters.avatar.volume.volume_files import volume_files

RUN = sphere_volume()
FILES, ENTRY = volume_files(RUN, RUN.channel_names)
NAMES = ("features", "coarse", "field")


def networks(**other):
    return VolumeNetworks(ENTRY, {n: other.get(n, FILES[ENTRY.files[n]]) for n in NAMES})


def sound():
    return np.zeros(3), [1.0, 0, 0, 0], np.zeros((ENTRY.vertices, 3))


def test_turns_of_any_length_are_one_turn():
    channels, turn, moved = sound()
    whole = networks().features(channels, turn, moved)
    again = networks().features(channels, 3 * np.array(turn), moved)
    for one, other in zip(whole, again, strict=True):
        assert one.shape == (ENTRY.anchors, ENTRY.width)
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_samples_alone_are_samples_together():
    rng = np.random.default_rng(0)
    told = (
        rng.normal(0, 0.02, (9, 4, 3)), rng.normal(0, 1, (9, 4, ENTRY.width)),
        rng.dirichlet(np.ones(4), 9), rng.normal(0, 0.01, 9), rng.random(9),
    )  # fmt: skip
    told = tuple(a.astype(np.float32) for a in told)
    view = np.tile(np.float32([0, 0, -1]), (9, 1))
    made = networks()
    density, colour = made.field(*told, view)
    coarse = made.coarse(*told)
    for k in range(9):
        alone = tuple(a[k : k + 1] for a in told)
        np.testing.assert_allclose(made.field(*alone, view[:1])[1][0], colour[k], atol=1e-5)
        np.testing.assert_allclose(made.coarse(*alone)[0], coarse[k], rtol=1e-4)
    assert (density >= 0).all() and (0 <= colour).all() and (colour <= 1).all()


@pytest.mark.parametrize(("index", "value", "words"), [
    (0, np.zeros(4), "channels have shape"), (0, np.full(3, np.nan), "finite"),
    (1, np.zeros(4), "head_rotation is zero"), (1, np.zeros(3), "head_rotation have shape"),
    (2, np.zeros((5, 3)), "displacements have shape"),
])  # fmt: skip
def test_other_inputs_are_refused(index, value, words):
    given = list(sound())
    given[index] = value
    with pytest.raises(InputError, match=words):
        networks().features(*given)


def test_broken_networks_are_named():
    with pytest.raises(InputError, match="volume: field: ONNX Runtime cannot load"):
        networks(field=b"none")
    lost = dict(RUN.weights)
    with pytest.raises(InputError, match=r"fine\.colour\.bias must be finite"):
        sphere_volume(weights=lost | {"fine.colour.bias": np.full(3, np.nan, np.float32)})
    huge = sphere_volume(
        weights=lost | {"static": np.full_like(lost["static"], 3e38)}
    )  # fmt: skip
    files, _ = volume_files(huge, huge.channel_names)
    with pytest.raises(MienError, match="the network features gave coarse"):
        networks(features=files[ENTRY.features]).features(*sound())
