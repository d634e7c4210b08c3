"""A user's head through the whole chain: a packed avatar in, a verified character out."""

import json

import numpy as np
import pytest
from support import packed_gltf
from support.avatars import READY_PLAYER_ME, Z_UP, avatar, body, hair_cap, maya_name

from mien.__main__ import main
from mien.clip import Clip
from mien.glb import read_rig
from mien.package import PackageSource, verify_package
from mien.video import VideoWriter
from mien_training.synthetic.person import SyntheticPerson, record_views
