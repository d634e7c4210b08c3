"""Equal content has one key; whatever differs has another."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.clip import Clip
from mien.errors import InputError
from mien.rig import Material
from mien_training.runs.content_key import (
    clip_digest,
    content_digest,
    file_digest,
    materials_digest,
    template_digest,
    topology_digest,
    tracker_digest,
)


@dataclass(frozen=True)
class Point:
    x: float
    y: object = None


def test_equal_content_has_one_key():
    array = np.arange(12.0).reshape(3, 4)
    assert (
        content_digest(array)
        == content_digest(array.T.copy().T)
        == content_digest(torch.from_numpy(array))
    )
    assert content_digest({"a": 1, "b": [2]}) == content_digest({"b": (2,), "a": 1})
    assert content_digest(np.float64(0.5)) == content_digest(0.5)


def test_whatever_differs_has_another_key():
    values = [
        None, True, 1, 1.0, "1", b"1", "", [], [[]], [1, 2], [[1], 2], [[1, 2]], {}, {"a": 1},
        {"a": 2}, ["a", 1], "ab", ["a", "b"], ["ab", ""], Point(1.0), Point(1.0, 2), float("nan"),
        np.zeros(2), np.zeros(3), np.zeros((2, 1)), np.zeros(2, np.float32), np.zeros(2, np.int64),
        np.array([0.0, 1e-300]),
    ]  # fmt: skip
    assert len({content_digest(value) for value in values}) == len(values)
    assert content_digest([np.zeros(2), np.zeros(1)]) != content_digest([np.zeros(1), np.zeros(2)])


def test_what_has_no_content_is_refused():
    for value in (Path("rig/person.npz"), object(), np.array([None]), {1, 2}):
        with pytest.raises(InputError, match="no content"):
            content_digest({"a": [value]})


def test_a_template_is_known_by_all_it_holds(head_template):
    mine = template_digest(head_template)
    assert mine == template_digest(replace(head_template, regions=dict(head_template.regions)))
    others = (
        replace(head_template, vertices=head_template.vertices + 1e-5),
        replace(head_template, shape_names=head_template.shape_names[::-1]),
        replace(head_template, jaw_pivot=(0.0, 0.0, 0.1)),
        replace(head_template, regions=head_template.regions | {"more": np.zeros(3, bool)}),
    )
    assert len({mine, *(template_digest(other) for other in others)}) == 5


def test_a_topology_is_known_by_its_triangles(head_template):
    mine = topology_digest(head_template)
    assert mine == topology_digest(replace(head_template, vertices=head_template.vertices + 1e-5))
    turned = replace(head_template, triangles=head_template.triangles[:, [1, 2, 0]])
    fewer = replace(head_template, vertices=head_template.vertices[:-1])
    assert len({mine, topology_digest(turned), topology_digest(fewer)}) == 3


def test_a_folder_is_known_by_the_names_and_bytes_in_it(tmp_path):
    digests = set()
    for name, content in (("a.png", b"1"), ("a.png", b"2"), ("b.png", b"2")):
        (tmp_path / name).write_bytes(content)
        digests.add(file_digest(tmp_path))
    assert len(digests) == 3
    (tmp_path / "deeper").mkdir()
    assert file_digest(tmp_path) in digests


def test_materials_clips_and_files(tmp_path):
    skin = Material("skin", np.zeros((2, 2, 3), np.uint8))
    assert materials_digest([skin]) != materials_digest([replace(skin, roughness=0.4)])
    clip = Clip(("jawOpen",), np.arange(2.0), np.zeros((2, 1), np.float32))
    clip.write(tmp_path / "a.npz")
    assert clip_digest(Clip.read(tmp_path / "a.npz")) == clip_digest(clip)
    assert clip_digest(replace(clip, values=clip.values + 0.1)) != clip_digest(clip)
    (tmp_path / "b").write_bytes(b"abc")
    assert file_digest(tmp_path / "b").startswith("ba7816bf")  # FIPS 180-2, example B.1
    with pytest.raises(InputError, match=r"none: cannot be read"):
        file_digest(tmp_path / "none")
    assert len(tracker_digest()) == 64
