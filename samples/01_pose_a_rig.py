"""Pose a character by channel names and save the mesh.

python samples/01_pose_a_rig.py CHARACTER.mien OUT.obj
"""

import sys
from pathlib import Path

import mien
from mien.deform import evaluate, pose_from_head, shape_weights
from mien.rotation import quaternion_from_angles

package, out = sys.argv[1:]
rig = mien.load(package).rig

expression = {"jawOpen": 0.3, "mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "browInnerUp": 0.5}
weights = shape_weights(rig, tuple(expression), tuple(expression.values()))
head = quaternion_from_angles((0.3, 0.1, 0.0))  # yaw, pitch, roll in radians
vertices, normals = evaluate(rig, weights, pose_from_head(rig, head))

lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in normals]
lines += [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in rig.triangles + 1]
Path(out).write_text("\n".join(lines) + "\n")
print(f"{rig.name}: {len(vertices)} vertices posed -> {out}")
