"""Every number of the solve is checked by name."""

import pytest

from mien.errors import InputError
from mien_training.rig.from_meshes.config import MeshFitConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rounds", 0), ("moments", 0), ("points", 0), ("anchors", 0), ("field_m", 0.0),
        ("patch_m", -1.0), ("least_spread_m", float("nan")), ("asked_spread", 0.0),
        ("unasked_spread", 0.0), ("share", -0.1), ("detail_share", float("nan")),
        ("one_sided", 1.1),
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(InputError, match=rf"MeshFitConfig\.{name}"):
        MeshFitConfig(**{name: value})
