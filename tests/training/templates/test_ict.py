"""ICT-FaceKit from its real OBJ files."""

import numpy as np
import pytest
from support import template_laws

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError


@pytest.fixture(scope="module")
def ict(ict_folder):
    from mien_training.templates.ict import build_ict
    from mien_training.templates.landmarks import with_landmarks

    return with_landmarks(build_ict(ict_folder))


@pytest.mark.parametrize("law", ["mesh", "regions", "joints", "gaze", "landmarks", "skull"])
def test_laws(ict, law):
    getattr(template_laws, f"check_{law}")(ict)


def test_mirror(ict):
    template_laws.check_mirror(ict, off_m=0.004)


def test_every_channel_but_the_tongue(ict):
    assert ict.shape_names == tuple(n for n in ARKIT_CHANNELS if n != "tongueOut")
    # The two halves of browInnerUp and cheekPuff are joined: both sides move alike.
    for name in ("browInnerUp", "cheekPuff"):
        delta = np.linalg.norm(ict.shape_deltas[ict.shape_names.index(name)], axis=1)
        left, right = (delta[ict.vertices[:, 0] * side > 0.01].max() for side in (1, -1))
        assert left > 0.002 and right == pytest.approx(left, rel=0.2)


def test_metres(ict):
    eyes = np.array([joint.position for joint in ict.joints[3:]])
    assert 0.055 < eyes[0, 0] - eyes[1, 0] < 0.07
    assert len(ict.identity.modes) == 20


def test_other_folders_are_refused(tmp_path):
    from mien_training.templates.ict import build_ict

    with pytest.raises(InputError, match="generic_neutral_mesh"):
        build_ict(tmp_path)
    (tmp_path / "generic_neutral_mesh.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1/1 2/1 3/1\n")
    with pytest.raises(InputError, match="3 vertices"):
        build_ict(tmp_path)
