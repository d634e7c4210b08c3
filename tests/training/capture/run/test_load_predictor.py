"""Networks must be of the template that is asked for."""

from dataclasses import replace

import pytest
from support.captured_takes import CodedPredictor

from mien.errors import InputError
from mien_training.capture.run.load_predictor import checked_predictor, load_predictor


def test_the_same_template_by_content(head_template):
    predictor = CodedPredictor(head_template)
    assert checked_predictor(predictor, replace(head_template)) is predictor
    moved = replace(head_template, vertices=head_template.vertices * 1.1)
    for other in (moved, replace(head_template, name="other")):
        with pytest.raises(InputError, match="--net: of template 'spheres' with 1916 vertices"):
            checked_predictor(predictor, other)


def test_files_that_are_no_networks_are_named(head_template, tmp_path):
    path = tmp_path / "net.npz"
    with pytest.raises(InputError, match=r"net\.npz: not there"):
        load_predictor(path, head_template)
    path.write_bytes(b"no networks")
    with pytest.raises(InputError, match=r"net\.npz"):
        load_predictor(path, head_template)
