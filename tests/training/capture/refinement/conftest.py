"""A moment whose maps are perfect and whose first mesh is 3 mm off."""

import numpy as np
import pytest
from support.readings import perfect_reading


@pytest.fixture(scope="package")
def reading(seen_head, anny):
    pose = seen_head.world_from_head
    truth = (seen_head.vertices - pose[:3, 3]) @ pose[:3, :3]
    wave = 0.003 * np.sin(40 * truth[:, [1, 2, 0]])
    return perfect_reading(anny, seen_head, (truth + wave).astype(np.float32))
