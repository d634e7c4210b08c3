"""An avatar run's folder: what is written is read back; what does not fit is refused."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from support.rigs import sphere_rig
from support.splat_avatars import sphere_avatar

from mien.avatar import Anchors
from mien.errors import InputError
from mien_exporters.avatar.avatar_run import (
    AVATAR_RECORD,
    merge_mean,
    read_avatar_run,
    with_eight_bit_maps,
    write_avatar_run,
)

RUN = sphere_avatar()


def test_round_trip(tmp_path):
    write_avatar_run(tmp_path, RUN)
    back = read_avatar_run(tmp_path)
    for field in fields(RUN):
        one, other = getattr(RUN, field.name), getattr(back, field.name)
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(other, one, err_msg=field.name)
        elif isinstance(one, Anchors):
            for part in fields(Anchors):
                mine, theirs = getattr(one, part.name), getattr(other, part.name)
                np.testing.assert_array_equal(theirs, mine, err_msg=part.name)
        elif field.name == "layers":
            assert all(
                np.array_equal(x, y)
                for a, b in zip(one, other, strict=True)
                for x, y in zip(a, b, strict=True)
            )
        else:
            assert one == other, field.name
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_avatar_run(tmp_path, RUN)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    write_avatar_run(tmp_path, replace(RUN, consent=None))
    assert read_avatar_run(tmp_path).consent is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"anchor": np.full(len(RUN.anchor), 999)}, "anchor"),
        ({"anchor": RUN.anchor.astype(float)}, "integers"),
        ({"lift_m": -RUN.lift_m}, "lift_m"),
        ({"spacing_m": np.zeros_like(RUN.spacing_m)}, "spacing_m"),
        ({"static": RUN.static[:, :12]}, "static"),
        ({"static": np.full_like(RUN.static, np.nan)}, "finite"),
        ({"maps": RUN.maps[:, :-1]}, "maps"),
        ({"maps": RUN.maps[:3]}, "layers"),
        ({"layers": ()}, "layers"),
        ({"layers": RUN.layers[1:]}, "layers"),
        ({"channel_names": ("jawOpen",)}, "layers"),
        ({"channel_names": ("a", "b", "a")}, "twice"),
        ({"vertices": RUN.vertices[:-1]}, "vertices"),
        ({"bounds_m": RUN.bounds_m[::-1]}, "bounds_m"),
        ({"bake_loss_db": float("nan")}, "bake_loss_db"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, told):
    with pytest.raises(InputError, match=rf"avatar of 'Sphere': .*{told}"):
        replace(RUN, **change)


def test_unfinished_damaged_and_foreign_folders_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"avatar\.json: not there.*mien train avatar"):
        read_avatar_run(tmp_path)
    write_avatar_run(tmp_path, RUN)
    arrays, record = tmp_path / "avatar.npz", tmp_path / AVATAR_RECORD
    whole, told = arrays.read_bytes(), json.loads(record.read_text())
    for data, match in (
        (whole[: len(whole) // 2], "SHA-256"),
        (whole[:-1] + b"x", "SHA-256"),
        (None, "missing or damaged"),
    ):
        arrays.unlink() if data is None else arrays.write_bytes(data)
        with pytest.raises(InputError, match=rf"avatar\.npz: .*{match}"):
            read_avatar_run(tmp_path)
    arrays.write_bytes(whole)
    for change, match in (
        ({"kind": "detail"}, "'kind' is 'detail'"),
        ({"method": "volume"}, "'method' is 'volume'"),
        ({"layers": 7}, "lacks 'layer_3'"),
        ({"bake_loss_db": "low"}, "'bake_loss_db'"),
        ({"consent": {"kind": "maybe", "statement": "x"}}, r"'consent\.kind'"),
        ({"consent": {"kind": "self", "statement": " "}}, r"'consent\.statement'"),
        ({"channels": ["jawOpen"]}, "layers"),
    ):
        record.write_text(json.dumps({**told, **change}))
        with pytest.raises(InputError, match=match):
            read_avatar_run(tmp_path)
    del told["consent"]
    record.write_text(json.dumps(told))
    with pytest.raises(InputError, match="'consent' is missing"):
        read_avatar_run(tmp_path)


def test_provenance_must_be_plain(tmp_path):
    with pytest.raises(InputError, match="provenance"):
        write_avatar_run(tmp_path, replace(RUN, provenance={"x": {1}}))
    assert not list(tmp_path.glob("*"))


def test_the_mean_joins_what_is_at_rest():
    """Same splats with the mean in the static part as with it in the changes."""
    rng = np.random.default_rng(3)
    mean = rng.normal(0, 0.3, RUN.maps.shape[1:]).astype(np.float32)
    merged = merge_mean(RUN.static, mean, RUN.anchor, RUN.lift_m)
    changed = RUN.static.copy()
    for g, (anchor, lift) in enumerate(zip(RUN.anchor, RUN.lift_m, strict=True)):
        if lift == 0:
            changed[g] += mean[anchor, :13]
        else:
            changed[g, 10:] += mean[anchor, 13:]
    np.testing.assert_array_equal(merged, changed)
    with pytest.raises(InputError, match="merge_mean"):
        merge_mean(RUN.static[:, :5], mean, RUN.anchor, RUN.lift_m)


def test_eight_bits_keep_a_127th_of_each_maps_channel():
    codes, steps, coarse = with_eight_bit_maps(RUN)
    assert codes.dtype == np.int8 and steps.shape == (len(RUN.maps), 16)
    assert (np.abs(coarse.maps - RUN.maps) <= 0.5001 * steps[:, None]).all()
    again, same, _ = with_eight_bit_maps(coarse)
    np.testing.assert_array_equal(again, codes)
    np.testing.assert_allclose(same, steps, rtol=1e-6)
    still = replace(RUN, maps=np.zeros_like(RUN.maps))
    assert not with_eight_bit_maps(still)[2].maps.any()


def test_a_rig_of_the_sphere_is_the_one_it_hangs_on():
    assert RUN.anchors.vertex_count == len(sphere_rig().vertices)
