"""The one form of a rig that a GLB holds, and the rules that engines need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.rigs import assert_same, json_of, sphere_rig

from mien.errors import ChannelError, InputError
from mien.glb import read_rig
from mien.rig import Material
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_mesh import canonical_rig, check_shape_names, drop_still_shapes


def test_canonical_form_is_reached_at_once_and_moves_nothing() -> None:
    rig = sphere_rig()
    once = canonical_rig(rig)
    assert_same(once, canonical_rig(once))
    assert_same(read_rig(rig_to_glb(rig), rig.name), once)
    np.testing.assert_array_equal(rig.vertices, once.vertices)
    order = np.argsort(rig.triangle_material, kind="stable")
    np.testing.assert_array_equal(rig.triangles[order], once.triangles)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("jaw/open",), "ASCII letters"),
        (("jaw.open",), "ASCII letters"),
        (("Kiefer auf\u00df",), "ASCII letters"),
        (("",), "ASCII letters"),
        (("a" * 64,), "1 to 63"),
        (("jawOpen", "JawOpen"), "differ only by case"),
        (tuple(f"s{i}" for i in range(256)), "255 at most"),
    ],
)
def test_names_that_engines_alter_are_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ChannelError, match=message):
        check_shape_names(names)


def test_still_shapes_are_refused_or_dropped() -> None:
    rig = sphere_rig()
    deltas = rig.shape_deltas.copy()
    deltas[1] = 0
    still = replace(rig, shape_deltas=deltas)
    with pytest.raises(ChannelError, match="move nothing: mouthSmileLeft"):
        rig_to_glb(still)
    assert drop_still_shapes(still).shape_names == ("jawOpen", "browInnerUp")
    assert drop_still_shapes(rig) is rig


def test_rounding_of_the_source_data_is_not_stored() -> None:
    """Noise on every vertex made each target dense: twice the size, for tenths of micrometres."""
    rig = canonical_rig(sphere_rig())
    noise = np.random.default_rng(0).uniform(-5e-7, 5e-7, rig.shape_deltas.shape)
    noisy = replace(rig, shape_deltas=(rig.shape_deltas + noise).astype(np.float32))
    back = read_rig(rig_to_glb(noisy))
    still = ~rig.shape_deltas.any(axis=2)
    assert not back.shape_deltas[still].any()
    np.testing.assert_array_equal(back.shape_deltas[~still], noisy.shape_deltas[~still])
    assert len(rig_to_glb(noisy)) < 1.1 * len(rig_to_glb(rig))
    breath = replace(rig, shape_deltas=rig.shape_deltas * np.float32(1e-5))
    with pytest.raises(ChannelError, match="move nothing: jawOpen, mouthSmileLeft, browInnerUp"):
        rig_to_glb(breath)


def test_broken_rigs_are_refused_with_the_field() -> None:
    rig = sphere_rig()
    nan = rig.vertices.copy()
    nan[5, 1] = np.nan
    heavy = rig.joint_weights * np.float32(1.5)
    long_normals = rig.normals * np.float32(2)
    for broken, message in (
        (replace(rig, vertices=nan), "vertices holds NaN"),
        (replace(rig, joint_weights=heavy), "joint_weights of vertex .* sum to 1.5"),
        (replace(rig, normals=long_normals), "length 2.0000"),
        (
            replace(rig, triangles=rig.triangles[:0], triangle_material=np.zeros(0, np.int32)),
            "no triangles",
        ),
        (
            replace(rig, materials=(Material("m", np.zeros((4, 4), np.uint8)), rig.materials[1])),
            "base_color has shape",
        ),
    ):
        with pytest.raises(InputError, match=message):
            rig_to_glb(broken)


def test_every_primitive_shares_vertices_targets_and_names() -> None:
    document = json_of(rig_to_glb(sphere_rig()))
    (mesh,) = document["meshes"]
    first, second = mesh["primitives"]
    assert first["attributes"] == second["attributes"]
    assert first["targets"] == second["targets"]
    assert {frozenset(t) for t in first["targets"]} == {frozenset({"POSITION", "NORMAL"})}
    assert mesh["extras"]["targetNames"] == ["jawOpen", "mouthSmileLeft", "browInnerUp"]
    assert mesh["weights"] == [0, 0, 0]
    assert document["asset"] == {"generator": "mien", "version": "2.0"}
    assert "extensionsUsed" not in document


def test_transparency_survives() -> None:
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (4, 6, 4), np.uint8)
    rig = replace(sphere_rig(), materials=(Material("lashes", texture), sphere_rig().materials[1]))
    back = read_rig(rig_to_glb(rig))
    np.testing.assert_array_equal(back.materials[0].base_color, texture)
