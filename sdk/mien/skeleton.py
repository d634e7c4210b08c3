"""The joints that every character has, and that poses are bound to by name."""

from __future__ import annotations

from collections.abc import Sequence

from mien.errors import MienError
from mien.rig import JOINT_NAMES, Joint

__all__ = ["check_joints"]

_PARENTS = {"neck": "head_root", "head": "neck", "leftEye": "head", "rightEye": "head"}


def check_joints(joints: Sequence[Joint], where: str, error: type[MienError]) -> None:
    """Raise `error`, naming `where`, unless each joint of `JOINT_NAMES` is there, in its place.

    head_root -> neck -> head -> leftEye, rightEye; other joints may be beside and between them.
    """
    names = [joint.name for joint in joints]
    missing = [name for name in JOINT_NAMES if name not in names]
    if missing or len(set(names)) != len(names):
        problem = f"has no joint {missing[0]!r}" if missing else "has two joints of one name"
        raise error(
            f"{where}: {problem} (its joints: {', '.join(names) or 'none'}), expected each of "
            f"{', '.join(JOINT_NAMES)} once"
        )
    for child, parent in _PARENTS.items():
        above, at = set[int](), names.index(child)
        while at >= 0 and at not in above:
            above.add(at)
            at = joints[at].parent
        if names.index(parent) not in above:
            raise error(f"{where}: joint {child!r} is not below {parent!r}")
