"""The joints that every character has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.rigs import sphere_rig

from mien.errors import PackageError
from mien.rig import JOINT_NAMES, Joint
from mien.skeleton import check_joints

JOINTS = sphere_rig().joints


def check(*joints: Joint) -> None:
    check_joints(joints, "a.mien: character.glb", PackageError)


def test_the_five_joints_and_others_beside_them() -> None:
    check(*JOINTS)
    check(*JOINTS, Joint("jaw", 2, (0.0, 0.0, 0.0)))
    root, neck, head, *eyes = JOINTS
    spine = Joint("spine", 0, (0.0, 0.0, 0.0))
    check(root, spine, replace(neck, parent=1), replace(head, parent=2),
          *(replace(eye, parent=3) for eye in eyes))  # fmt: skip


@pytest.mark.parametrize("name", JOINT_NAMES)
def test_each_is_needed(name: str) -> None:
    renamed = [replace(j, name="other") if j.name == name else j for j in JOINTS]
    with pytest.raises(PackageError, match=rf"character\.glb: has no joint '{name}' .*other"):
        check(*renamed)


def test_names_twice_and_joints_out_of_place() -> None:
    with pytest.raises(PackageError, match="two joints of one name"):
        check(*JOINTS, JOINTS[2])
    with pytest.raises(PackageError, match="'neck' is not below 'head_root'"):
        check(*(replace(j, parent=-1) if j.name == "neck" else j for j in JOINTS))
    circle = [replace(j, parent=2) if j.name == "neck" else j for j in JOINTS]
    with pytest.raises(PackageError, match="'neck' is not below 'head_root'"):
        check(*circle)
