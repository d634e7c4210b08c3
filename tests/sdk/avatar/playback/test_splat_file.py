"""A damaged avatar file is refused, with its name and the table, before memory is spent on it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.splat_avatars import sphere_avatar

from mien.avatar.playback.splat_file import GAUSSIAN_ATTRIBUTES, read_splat_model
from mien.budget import Budget
from mien.errors import InputError, PackageError
from mien_exporters.avatar.avatar_files import avatar_files
from mien_exporters.gltf_buffers import glb_bytes, split_glb

RUN = sphere_avatar()
FILES, ENTRY = avatar_files(RUN, RUN.channel_names)
GLB = FILES[ENTRY.splats]
HERE = "s.mien: avatar/splats.glb"


def told(document):
    return document["meshes"][0]["extras"]["mienAvatar"]


def with_json(change) -> bytes:
    text, binary = split_glb(GLB)
    document = json.loads(text)
    change(document)
    return glb_bytes(json.dumps(document), binary)


def with_values(table: str, change) -> bytes:
    """The file with a table's numbers, or an attribute's (with an underscore), changed in place."""
    text, binary = split_glb(GLB)
    document = json.loads(text)
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    index = attributes[table] if table.startswith("_") else told(document)["tables"][table]
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    dtype = {5120: "<i1", 5125: "<u4", 5126: "<f4"}[accessor["componentType"]]
    blob = bytearray(binary)
    at = view["byteOffset"]
    values = np.frombuffer(blob, dtype, offset=at, count=view["byteLength"] // int(dtype[-1]))
    change(values)
    return glb_bytes(text, bytes(blob))


def put(index, value):
    return lambda values: values.__setitem__(index, value)


DAMAGE = {
    "cut": (lambda: GLB[: len(GLB) // 2], "header says"),
    "no extras": (lambda: with_json(lambda d: d["meshes"][0].pop("extras")), "'extras'"),
    "a version": (lambda: with_json(lambda d: told(d).update(version=2)), "'version' is 2"),
    "names": (lambda: with_json(lambda d: told(d).update(coefficients=["a"])), "1 names"),
    "size": (lambda: with_json(lambda d: told(d).update(size=0)), "'size'"),
    "smaller atlas": (lambda: with_json(lambda d: told(d).update(size=4)), "texel holds"),
    "vertices": (lambda: with_json(lambda d: told(d).update(vertices=9)), "extraCorners"),
    "more vertices": (lambda: with_json(lambda d: told(d).update(vertices=9999)), "restAreas"),
    "no table": (lambda: with_json(lambda d: told(d)["tables"].pop("maps")), "'maps'"),
    "no accessor": (
        lambda: with_json(lambda d: told(d)["tables"].update(maps=999)), "'maps' is 999"
    ),
    "wrong table": (
        lambda: with_json(lambda d: told(d)["tables"].update(maps=told(d)["tables"]["uvs"])),
        "'type'",
    ),
    "no attribute": (
        lambda: with_json(
            lambda d: d["meshes"][0]["primitives"][0]["attributes"].pop("_TURN")
        ),
        "_TURN",
    ),
    "source": (lambda: with_values("source", put(3, 1 << 31)), "source holds 2147483648"),
    "triangles": (lambda: with_values("triangles", put(0, 5000)), "triangles holds 5000"),
    "triangle": (lambda: with_values("triangle", put(0, 5000)), "triangle holds 5000"),
    "corners": (lambda: with_values("extraCorners", put(0, 500)), "extraCorners holds 500"),
    "texel order": (lambda: with_values("texel", put(1, 0)), "texel must grow"),
    "shares": (lambda: with_values("bary", put(0, -0.5)), "bary"),
    "followed": (lambda: with_values("extraWeights", put(0, 3.0)), "extraWeights must sum"),
    "nan": (lambda: with_values("mapSteps", put(2, np.nan)), "NaN"),
    "anchor": (lambda: with_values("_ANCHOR", put(0, 0.5)), "_ANCHOR"),
    "far anchor": (lambda: with_values("_ANCHOR", put(0, 99999)), "anchor holds"),
    "lift": (lambda: with_values("_LIFT_M", put(0, -1.0)), "lift_m"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told(name):
    make, match = DAMAGE[name]
    with pytest.raises(PackageError, match=match) as caught:
        read_splat_model(make(), ENTRY, HERE)
    assert str(caught.value).startswith(HERE)


def test_the_manifest_must_agree():
    with pytest.raises(PackageError, match="the manifest says 7 Gaussians"):
        read_splat_model(GLB, replace(ENTRY, gaussians=7), HERE)
    names = (*ENTRY.coefficients[:-1], "other")
    with pytest.raises(PackageError, match="'coefficients'"):
        read_splat_model(GLB, replace(ENTRY, coefficients=names), HERE)


def test_memory_is_charged_first():
    with pytest.raises(PackageError, match="expected at most 40000"):
        read_splat_model(GLB, ENTRY, HERE, Budget(40_000, "bytes", HERE))


WILD = (0, 1, -1, 7, 255, 1e-30, 1e30, -1e30, 3e38, np.nan, np.inf, 2**31, 2**32 - 1)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numbers that overflow on the way
def test_wild_numbers_give_typed_errors_or_finite_splats():
    """One to three numbers anywhere in the binary replaced: refused, or played without a crash."""
    tables = [*told(json.loads(split_glb(GLB)[0]))["tables"], *GAUSSIAN_ATTRIBUTES]
    refused = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)

        def change(values, rng=rng):
            for _ in range(rng.integers(1, 4)):
                at, wild = rng.integers(len(values)), float(WILD[rng.integers(len(WILD))])
                if values.dtype.kind != "f":
                    limits = np.iinfo(values.dtype)
                    wild = int(np.clip(np.nan_to_num(wild), limits.min, limits.max))
                values[at] = wild

        data = with_values(tables[rng.integers(len(tables))], change)
        try:
            model = read_splat_model(data, ENTRY, HERE)
        except PackageError:
            refused += 1
            continue
        try:
            assert len(model.posed(RUN.vertices, np.ones(len(RUN.maps)))) == len(RUN.anchor)
        except InputError:
            refused += 1
    assert 20 < refused < 130


def test_hostile_json_gives_typed_errors():
    text, binary = split_glb(GLB)
    values = (None, -1, 0, 2**60, 1e308, "x", [], {}, True, [[]], "VEC4", 5126)
    paths = [(kind, k, key) for kind in ("accessors", "bufferViews")
             for k, item in enumerate(json.loads(text)[kind]) for key in item]  # fmt: skip
    accepted = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        document = json.loads(text)
        kind, k, key = paths[rng.integers(len(paths))]
        document[kind][k][key] = values[rng.integers(len(values))]
        try:
            read_splat_model(glb_bytes(json.dumps(document), binary), ENTRY, HERE)
            accepted += 1
        except PackageError:
            pass
    assert accepted < 75
