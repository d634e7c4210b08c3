"""One factory of labelled images: person x performance x light x cameras x degradation."""

from mien_training.synthetic.factory.generate import generate_dataset
from mien_training.synthetic.factory.read import DatasetReader
from mien_training.synthetic.factory.sequence import LabelledFrame, SyntheticSequence, draw_sequence
from mien_training.synthetic.factory.spec import (
    CameraSpec,
    DatasetSpec,
    LabelSpec,
    PersonSpec,
    SequenceSpec,
)

__all__ = [
    "CameraSpec", "DatasetReader", "DatasetSpec", "LabelSpec", "LabelledFrame", "PersonSpec",
    "SequenceSpec", "SyntheticSequence", "draw_sequence", "generate_dataset",
]  # fmt: skip
