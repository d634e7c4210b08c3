"""Cameras drawn at random, and how other tools write them to files."""

import json
from dataclasses import astuple

import numpy as np
from scipy.spatial.transform import Rotation

from mien_training.cameras.camera import Camera, project
from mien_training.cameras.lens import Lens, camera_with_lens

PICTURES = ("left.png", "middle.png", "right.png", "top.png")
LENSES = {
    "none": Lens(),
    "radial": Lens(-0.12, 0.07),
    "tangential": Lens(-0.12, 0.07, 0.004, -0.003),
    "five": Lens(-0.2, 0.1, 0.002, 0.001, -0.3),
    "rational": Lens(0.3, -0.1, 0.001, -0.002, 0.05, 0.42, -0.05, 0.02),
}


def random_cameras(lens: Lens, seed: int = 0, one_focal: bool = False) -> dict[str, Camera]:
    """By their pictures; anywhere, turned anyhow, of different sizes."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in PICTURES:
        width, height = rng.integers(300, 2000, 2).tolist()
        fx = max(width, height) * rng.uniform(0.9, 2)
        fy = fx if one_focal else fx * rng.uniform(0.95, 1.05)
        cx, cy = np.array([width, height]) * rng.uniform(0.45, 0.55, 2)
        K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        pose = np.eye(4)
        pose[:3, :3] = Rotation.random(random_state=rng).as_matrix()
        pose[:3, 3] = rng.normal(0, 2, 3)
        found[name] = camera_with_lens(Camera(K, pose, width, height), lens)
    return found


def assert_same_views(found: Camera, expected: Camera, seed: int = 0) -> None:
    """Points all over the image, at several distances, are seen within 1e-4 pixels."""
    assert (found.width, found.height) == (expected.width, expected.height)
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 1, (200, 2)) * (expected.width, expected.height)
    rays = np.c_[places, np.ones(200)] @ np.linalg.inv(expected.K).T
    inside = rays * rng.uniform(0.5, 5, (200, 1))
    turn, move = expected.camera_from_world[:3, :3], expected.camera_from_world[:3, 3]
    points = (inside - move) @ turn
    pixels, depth = project(found, points)
    wanted, distance = project(expected, points)
    assert np.abs(pixels - wanted).max() < 1e-4
    np.testing.assert_allclose(depth, distance, rtol=1e-9)


def write_colmap(folder, cameras, model="FULL_OPENCV"):
    """cameras.txt and images.txt, as COLMAP's model_converter writes them."""
    folder.mkdir(exist_ok=True)
    lines = ["# Camera list with one line of data per camera:"]
    images = ["# Image list with two lines of data per image:"]
    for number, (name, camera) in enumerate(cameras.items(), 1):
        (fx, _, cx), (_, fy, cy), _ = camera.K
        terms = astuple(lens_of(camera))
        parameters = {
            "SIMPLE_PINHOLE": (fx, cx, cy),
            "PINHOLE": (fx, fy, cx, cy),
            "SIMPLE_RADIAL": (fx, cx, cy, *terms[:1]),
            "RADIAL": (fx, cx, cy, *terms[:2]),
            "OPENCV": (fx, fy, cx, cy, *terms[:4]),
            "FULL_OPENCV": (fx, fy, cx, cy, *terms),
        }[model]
        told = " ".join(repr(float(value)) for value in parameters)
        lines.append(f"{number} {model} {camera.width} {camera.height} {told}")
        x, y, z, w = Rotation.from_matrix(camera.camera_from_world[:3, :3]).as_quat()
        pose = (w, x, y, z, *camera.camera_from_world[:3, 3])
        told = " ".join(repr(float(value)) for value in pose)
        images += [f"{number} {told} {number} {name}", "10.5 20.5 -1 3.25 4.5 17" * (number % 2)]
    (folder / "cameras.txt").write_text("\n".join(lines) + "\n")
    (folder / "images.txt").write_text("\n".join(images) + "\n")
    return folder


def lens_of(camera):
    """Whatever distortion it has."""
    return getattr(camera, "lens", Lens(camera.k1, camera.k2))


def opencv_matrix(matrix, indent=""):
    """As FileStorage writes one."""
    rows = np.atleast_2d(np.asarray(matrix, float))
    data = ", ".join(repr(float(value)) for value in rows.ravel())
    return (
        f"!!opencv-matrix\n{indent}   rows: {rows.shape[0]}\n{indent}   cols: {rows.shape[1]}\n"
        f"{indent}   dt: d\n{indent}   data: [ {data} ]"
    )


def opencv_fields(camera, pose="RT", indent=""):
    """Lines of one camera; its pixel centres lie at whole numbers."""
    K = camera.K.copy()
    K[:2, 2] -= 0.5
    turn, move = camera.camera_from_world[:3, :3], camera.camera_from_world[:3, 3]
    poses = {
        "RT": {"R": turn, "T": move[:, None]},
        "rvec": {"rvec": Rotation.from_matrix(turn).as_rotvec()[:, None], "tvec": move[:, None]},
        "extrinsics": {"extrinsics": camera.camera_from_world},
        "none": {},
    }[pose]
    terms = np.array(astuple(lens_of(camera)))[:, None]
    matrices = {"camera_matrix": K, "distortion_coefficients": terms, **poses}
    lines = [f"{indent}image_width: {camera.width}", f"{indent}image_height: {camera.height}"]
    lines += [f"{indent}{key}: {opencv_matrix(value, indent)}" for key, value in matrices.items()]
    return lines


def write_opencv(path, camera, pose="RT"):
    """One camera, as OpenCV's calibration sample writes it."""
    lines = ["%YAML:1.0", "---", 'calibration_time: "Sun"', *opencv_fields(camera, pose)]
    path.write_text("\n".join([*lines, "avg_reprojection_error: .Nan"]) + "\n")
    return path


def write_transforms(path, cameras):
    """Nerfstudio's: each frame with intrinsics of its own."""
    frames = []
    for name, camera in cameras.items():
        lens = lens_of(camera)
        frames.append(
            {"file_path": f"./images/{name}", "w": camera.width, "h": camera.height,
             "fl_x": camera.K[0, 0], "fl_y": camera.K[1, 1], "cx": camera.K[0, 2],
             "cy": camera.K[1, 2], "k1": lens.k1, "k2": lens.k2, "p1": lens.p1, "p2": lens.p2,
             "k3": lens.k3, "transform_matrix": opengl_pose(camera).tolist()}
        )  # fmt: skip
    path.write_text(json.dumps({"camera_model": "OPENCV", "frames": frames}))
    return path


def opengl_pose(camera):
    """(4, 4) camera to world; the camera's y up and z backwards."""
    return np.linalg.inv(camera.camera_from_world) @ np.diag([1.0, -1.0, -1.0, 1.0])
