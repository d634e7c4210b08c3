"""What the command line takes, and refuses before it looks at anything."""

from pathlib import Path

import pytest
import tyro

from mien.errors import InputError
from mien_training.capture.run.config import NOT_OF_THE_MESHES, CaptureConfig

CALL = ["take", "--cameras", "cal.json"]


def test_the_call_of_the_guide():
    config = tyro.cli(CaptureConfig, args=[*CALL, "--write", "glb", "ply", "--frames", "5:9"])
    assert config.sources == (Path("take"),) and config.write == ("glb", "ply")
    assert set(NOT_OF_THE_MESHES) <= set(CaptureConfig.__dataclass_fields__)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"frames": "x"}, "--frames 'x'"),
        ({"texture_side": 9}, "texture_side is 9"),
        ({"give_up": 0}, "give_up is 0"),
    ],
)
def test_options_out_of_range(options, told):
    with pytest.raises(InputError, match=told):
        CaptureConfig((Path("take"),), Path("cal.json"), **options)
