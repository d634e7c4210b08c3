"""A head out of a glTF file is the head that went in."""

import numpy as np
import pytest
from support import template_laws

from mien.errors import InputError
from mien_training.templates.gltf.gltf_head import build_gltf


@pytest.fixture(scope="module")
def glb(anny, tmp_path_factory):
    pytest.importorskip("pygltflib")
    from mien_exporters.gltf import rig_to_glb
    from mien_training.head import rig_from_template

    path = tmp_path_factory.mktemp("glb") / "somebody.glb"
    path.write_bytes(rig_to_glb(rig_from_template(anny, "somebody")[0]))
    return path


@pytest.fixture(scope="module")
def somebody(glb):
    return build_gltf(glb)


@pytest.mark.parametrize("law", ["mesh", "joints", "gaze", "skull"])
def test_laws(somebody, law):
    getattr(template_laws, f"check_{law}")(somebody)


def test_same_head(somebody, anny):
    assert somebody.shape_names == anny.shape_names
    assert len(somebody.triangles) == len(anny.triangles)
    shift = np.array(anny.joints[3].position) - somebody.joints[3].position
    np.testing.assert_allclose(shift, 0, atol=0.002)
    for region in ("teeth", "tongue", "eyes", "skin"):
        assert somebody.regions[region].sum() == anny.regions[region].sum()
    for template in (somebody, anny):
        drop = template.shape_deltas[template.shape_names.index("jawOpen")]
        assert np.abs(drop).max() == pytest.approx(
            np.abs(anny.shape_deltas[anny.shape_names.index("jawOpen")]).max(), rel=1e-3
        )


def test_text_form_reads_the_same(glb, somebody, tmp_path):
    import pygltflib

    document = pygltflib.GLTF2().load(str(glb))
    document.convert_buffers(pygltflib.BufferFormat.DATAURI)
    document.save_json(str(tmp_path / "somebody.gltf"))
    again = build_gltf(tmp_path / "somebody.gltf")
    np.testing.assert_array_equal(again.vertices, somebody.vertices)
    np.testing.assert_array_equal(again.shape_deltas, somebody.shape_deltas)


def test_file_without_arkit_names(anny, tmp_path):
    from dataclasses import replace

    from mien_exporters.gltf import rig_to_glb
    from mien_training.head import rig_from_template

    rig, _ = rig_from_template(anny, "nameless")
    nameless = replace(rig, shape_names=tuple(f"Key {k}" for k in range(len(rig.shape_names))))
    (tmp_path / "nameless.glb").write_bytes(rig_to_glb(nameless))
    with pytest.raises(InputError, match=r"0 morph targets carry ARKit names.*jawOpen"):
        build_gltf(tmp_path / "nameless.glb")


def test_no_gltf_at_all(tmp_path):
    (tmp_path / "x.glb").write_bytes(b"nothing")
    (tmp_path / "x.gltf").write_text("{")
    for name in ("x.glb", "x.gltf"):
        with pytest.raises(InputError, match=name):
            build_gltf(tmp_path / name)
