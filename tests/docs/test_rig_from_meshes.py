"""The printed list of poses is the one that ships."""

import re
from pathlib import Path

import pytest
from support.markdown import table

pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.rig.from_meshes.pose_script import directed_poses

PAGE = Path(__file__).parents[2] / "docs" / "rig-from-meshes.md"


def test_the_page_prints_the_list_that_ships():
    poses, rows = directed_poses(), table(PAGE, "no.")
    assert [row[:2] for row in rows] == [[str(n + 1), p] for n, p in enumerate(poses.prompt)]
    for row, amounts in zip(rows, poses.amounts, strict=True):
        # Spans are read with or without their backticks.
        found = {n: float(v) for n, v in re.findall(r"`?(\w+)`? ([\d.]+)", row[2])}
        expected = {n: v for n, v in zip(poses.names, amounts, strict=True) if v}
        assert found == expected
