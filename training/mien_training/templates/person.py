"""A fitted person on disk: a template of their own, with their skin and how they moved."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.atomic import write_atomically
from mien.errors import InputError
from mien.rig import Joint, Material
from mien_training.head import Template
from mien_training.rendering.paint import Look, paint_materials
from mien_training.templates.load import read_template, write_template

__all__ = ["TEMPLATE_FILE", "person_materials", "person_template", "read_person", "write_person"]

TEMPLATE_FILE, _SKIN_FILE = "person.npz", "skin.png"
_NAMED_EYES = ("leftEye", "rightEye")


def person_template(
    template: Template, name: str, neutral: NDArray[np.float32], deltas: NDArray[np.float32]
) -> Template:
    """The template with a person's neutral (V, 3) and shapes (K, V, 3), metres, in its place.

    Eye joints and the jaw's pivot move with what hangs on them. The template's other people stay
    as displacements, so that a sampled identity is now somebody around this person.
    """
    moved = neutral - template.vertices
    joints = []
    for index, joint in enumerate(template.joints):
        hung = template.joint_weights[:, index] > 0.5
        eye = joint.name in _NAMED_EYES and hung.any()
        shift = moved[hung].mean(0) if eye else np.zeros(3)
        x, y, z = (float(p + s) for p, s in zip(joint.position, shift, strict=True))
        joints.append(Joint(joint.name, joint.parent, (x, y, z)))
    jaw = np.asarray(template.jaw_pivot)
    near = np.argsort(np.linalg.norm((template.vertices - jaw)[:, 1:], axis=1))[:50]
    x, y, z = (float(c) for c in jaw + [0.0, *moved[near].mean(0)[1:]])
    return replace(
        template,
        name=name,
        vertices=np.ascontiguousarray(neutral, np.float32),
        shape_deltas=np.ascontiguousarray(deltas, np.float32),
        joints=tuple(joints),
        jaw_pivot=(x, y, z),
    )


def person_materials(
    person: Template, skin: NDArray[np.uint8] | None, look: Look | None = None
) -> tuple[Material, ...]:
    """Painted materials of `look`, the skin's texture `skin` (S, S, 3) if given."""
    return paint_materials(person, person.vertices, look or Look(), skin=skin)


def write_person(folder: Path, person: Template, skin: NDArray[np.uint8] | None) -> None:
    """`person.npz`, and `skin.png` if there is one."""
    if skin is not None:
        buffer = BytesIO()
        Image.fromarray(skin).save(buffer, "PNG")
        write_atomically(folder / _SKIN_FILE, buffer.getvalue())
    write_template(folder / TEMPLATE_FILE, person)


def read_person(folder: str | Path) -> tuple[Template, tuple[Material, ...]]:
    """What `write_person` left. Raises InputError for a folder without a finished rig."""
    path = Path(folder) / TEMPLATE_FILE
    if not path.is_file():
        raise InputError(f"{path}: not there; expected the folder of a finished `mien train rig`")
    person = read_template(path)
    skin_path = path.with_name(_SKIN_FILE)
    try:
        skin = np.asarray(Image.open(skin_path).convert("RGB")) if skin_path.exists() else None
    except OSError as reason:
        raise InputError(f"{skin_path}: not an image ({reason})") from None
    return person, person_materials(person, skin)
