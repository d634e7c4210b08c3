"""Networks must be of the template that is asked for."""

from dataclasses import replace

import pytest
from support.captured_takes import CodedPredictor

from mien.errors import InputError
from mien_training.capture.run.load_predictor import checked_predictor


def test_the_same_template_by_content(head_template):
    predictor = CodedPredictor(head_template)
    assert checked_predictor(predictor, replace(head_template)) is predictor
    moved = replace(head_template, vertices=head_template.vertices * 1.1)
    for other in (moved, replace(head_template, name="other")):
        with pytest.raises(InputError, match="--net: of template 'spheres' with 1916 vertices"):
            checked_predictor(predictor, other)
