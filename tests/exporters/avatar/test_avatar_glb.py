"""One GLB: at rest for a viewer that knows the extension, the whole model for one that asks."""

import json

import numpy as np
import pytest
from support.splat_avatars import sphere_avatar

from mien.avatar.playback.splat_file import read_splat_model
from mien_exporters.avatar.avatar_files import avatar_files
from mien_exporters.avatar.avatar_glb import rest_splats
from mien_exporters.avatar.avatar_run import with_eight_bit_maps
from mien_exporters.avatar.splats_glb import splats_from_glb
from mien_exporters.gltf_buffers import split_glb

RUN = sphere_avatar()


@pytest.fixture(scope="module")
def made():
    files, entry = avatar_files(RUN, RUN.channel_names)
    return files[entry.splats], entry


def test_viewers_see_the_head_at_rest(made):
    splats, own = splats_from_glb(made[0])
    rest = rest_splats(with_eight_bit_maps(RUN)[2])
    for name in ("means", "scales", "opacities"):
        np.testing.assert_array_equal(getattr(splats, name), getattr(rest, name))
    np.testing.assert_allclose(splats.colours, rest.colours, atol=1e-6)
    np.testing.assert_array_equal(own["_ANCHOR"], RUN.anchor)
    np.testing.assert_array_equal(own["_LIFT_M"], RUN.lift_m)


def test_the_model_is_read_back_to_the_bit(made):
    data, entry = made
    model, coarse = read_splat_model(data, entry, "splats.glb"), with_eight_bit_maps(RUN)[2].model
    for name in ("anchor", "lift_m", "spacing_m", "static", "maps"):
        np.testing.assert_array_equal(getattr(model, name), getattr(coarse, name), err_msg=name)
    for name in RUN.anchors.__dataclass_fields__:
        mine, theirs = getattr(RUN.anchors, name), getattr(model.anchors, name)
        np.testing.assert_array_equal(mine, theirs, err_msg=name)


def test_it_says_what_it_holds(made):
    document = json.loads(split_glb(made[0])[0])
    told = document["meshes"][0]["extras"]["mienAvatar"]
    assert told["version"] == 1 and told["channels"] == list(RUN.channel_names)
    assert told["coefficients"] == list(made[1].coefficients)
    maps = document["accessors"][told["tables"]["maps"]]
    assert maps["componentType"] == 5120 and maps["count"] == 4 * RUN.maps.shape[0] * len(
        RUN.anchors.texel
    )


def test_the_same_run_gives_the_same_bytes(made):
    assert avatar_files(sphere_avatar(), RUN.channel_names)[0][made[1].splats] == made[0]
