"""Configurations that cannot be are refused by name."""

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien.errors import InputError
from mien_training.avatar.volume.volume_config import SIZES, VolumeConfig


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": "huge"}, "size 'huge', expected one of small, paper"),
        ({"anchoring": "vertices"}, "anchoring 'vertices', expected one of nearest, surface"),
        ({"network": "wide"}, "network 'wide'"),
        ({"atlas": 8}, "atlas 8, expected 64 to 512"),
        ({"steps": 0}, "steps 0, expected above 0"),
        ({"rate": -1.0}, "rate -1.0"),
        ({"looked_at": 0.5}, "looked_at 0.5"),
        ({"empty": 0.0}, "empty 0.0"),
        ({"warp_from": 1.5}, "warp_from 1.5"),
        ({"warp_opened": 0.0}, "warp_opened 0.0"),
        ({"warp_hold": -0.1}, "warp_hold -0.1"),
    ],
)
def test_impossible_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        VolumeConfig(**options)


def test_the_paper_is_what_the_paper_says():
    paper, config = SIZES["paper"], VolumeConfig(size="paper")
    assert (paper.map, paper.widths, paper.features) == (256, (8, 16, 32, 64, 128, 256), 64)
    assert (paper.width, paper.layers, paper.colour_width, paper.bands) == (
        128,
        (3, 3),
        64,
        (10, 4),
    )
    assert (config.step_count, config.learning_rate, paper.rays) == (400_000, 1e-3, 1024)
    assert VolumeConfig(size="paper", steps=5, rate=0.1).step_count == 5
