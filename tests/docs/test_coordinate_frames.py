"""The conversions of docs/coordinate-frames.md map known points and rotations as it says."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from support.markdown import table

from mien.rotation import (
    matrix_from_quaternion,
    quaternion_from_angles,
    quaternion_from_rotation_vector,
    quaternion_multiply,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "coordinate-frames.md"
IDENTITY = (0.0, 0.0, 0.0, 1.0)
SYSTEMS = {
    "mien, glTF, three.js, Godot": "to_gltf",
    "Unity": "to_unity",
    "Unreal, as its glTF import leaves the mesh": "to_unreal_import",
    "Unreal, actor that faces +X": "to_unreal_actor",
    "Blender": "to_blender",
    "OpenCV camera in front of the face": "to_opencv_camera",
}
WXYZ = {"to_blender"}


@pytest.fixture(scope="module")
def figure():
    path = ROOT / "docs" / "figures" / "coordinate_frames.py"
    spec = importlib.util.spec_from_file_location("coordinate_frames", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["coordinate_frames"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page(figure):
    return figure.conversions()


def axis(text: str) -> np.ndarray:
    return (1 if text[0] == "+" else -1) * np.eye(3)["XYZ".index(text[1])]


def xyzw(function: str, q) -> np.ndarray:
    return np.roll(q, -1) if function in WXYZ else np.asarray(q)


@pytest.mark.parametrize("row", table(PAGE, "system"), ids=lambda row: row[0])
def test_the_overview_says_what_the_functions_do(page, row):
    name, hand, up, face, left, length, order = row
    convert, scale = page[SYSTEMS[name]], {"m": 1.0, "cm": 100.0}[length]
    for direction, text in (((0, 1, 0), up), ((0, 0, 1), face), ((1, 0, 0), left)):
        np.testing.assert_array_equal(convert(direction, IDENTITY)[0], scale * axis(text))
    columns = np.array([convert(tuple(e), IDENTITY)[0] for e in np.eye(3)]).T
    assert np.sign(np.linalg.det(columns)) == {"right": 1, "left": -1}[hand]
    if "w" in order.lower():
        assert convert((0, 0, 0), IDENTITY)[1][order.lower().replace(" ", "").index("w")] == 1
    assert set(SYSTEMS) == {row[0] for row in table(PAGE, "system")}


@pytest.mark.parametrize("function", SYSTEMS.values())
def test_turning_and_converting_may_change_places(page, function):
    """A turned point, converted, is the converted point turned by the converted quaternion."""
    random = np.random.default_rng(0)
    for _ in range(20):
        q = quaternion_from_rotation_vector(random.normal(size=3))
        point = random.normal(size=3)
        turned = matrix_from_quaternion(q) @ point
        expected = page[function](tuple(turned), IDENTITY)[0]
        there, rotation = page[function](tuple(point), tuple(q))
        found = matrix_from_quaternion(xyzw(function, rotation)) @ there
        np.testing.assert_allclose(found, expected, atol=1e-9)


def product(euler: dict) -> np.ndarray:
    """(4,) of three turns in the order of the matrix product."""
    q = np.array(IDENTITY)
    for name in euler["order"].lower():
        vector = euler[name] * np.eye(3)["xyz".index(name)]
        q = quaternion_multiply(q, quaternion_from_rotation_vector(vector))
    return q


def rotator(euler: dict) -> np.ndarray:
    """(4,) of Unreal's FRotator, by the formula of its FRotator::Quaternion, radians."""
    (sp, cp), (sy, cy), (sr, cr) = (
        (np.sin(euler[name] / 2), np.cos(euler[name] / 2)) for name in ("Pitch", "Yaw", "Roll")
    )
    return np.array(
        [
            cr * sp * sy - sr * cp * cy,
            -cr * sp * cy - sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            cr * cp * cy + sr * sp * sy,
        ]
    )


@pytest.mark.parametrize(
    ("engine", "function"),
    [
        ("three.js", "to_gltf"),
        ("Godot", "to_gltf"),
        ("Unity", "to_unity"),
        ("Blender", "to_blender"),
        ("Unreal", "to_unreal_actor"),
    ],
)
def test_angles_in_the_engines(page, engine, function):
    for angles in np.random.default_rng(1).uniform(-1.2, 1.2, (20, 3)):
        expected = xyzw(function, page[function]((0, 0, 0), quaternion_from_angles(angles))[1])
        euler = page["EULER"][engine](*angles)
        found = rotator(euler) if engine == "Unreal" else product(euler)
        assert abs(found @ expected) == pytest.approx(1.0, abs=1e-12)


def test_signs_of_the_angles():
    """Yaw to the character's own right (-X), pitch down, roll to the own left shoulder."""
    face, crown = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    yaw, pitch, roll = (matrix_from_quaternion(quaternion_from_angles(a)) for a in 0.5 * np.eye(3))
    assert (yaw @ face)[0] < 0 and (pitch @ face)[1] < 0 and (roll @ crown)[0] > 0


def test_the_two_unreal_spaces_differ_by_a_yaw(page):
    quarter = rotator({"Pitch": 0.0, "Yaw": np.radians(-90), "Roll": 0.0})
    point = (0.1, 0.2, 0.3)
    turned = matrix_from_quaternion(quarter) @ page["to_unreal_import"](point, IDENTITY)[0]
    np.testing.assert_allclose(turned, page["to_unreal_actor"](point, IDENTITY)[0], atol=1e-12)


def test_projection(page):
    """The nose of a face that turns about +Y goes to the image's right; a point above goes up."""
    K = np.array([[1000.0, 0.0, 320.0], [0.0, 1000.0, 240.0], [0.0, 0.0, 1.0]])
    t, nose = np.array([0.0, 0.0, -0.5]), np.array([0.0, 0.0, 0.1])
    np.testing.assert_allclose(page["project"](nose, np.eye(3), t, K), [320, 240])
    turn = matrix_from_quaternion(quaternion_from_rotation_vector([0.0, 0.3, 0.0]))
    assert page["project"](nose, turn, t, K)[0] > 320
    assert page["project"](np.array([0.0, 0.1, 0.0]), np.eye(3), t, K)[1] == pytest.approx(40)


def test_the_figure_is_drawn_from_these_formulas(figure):
    remedy = "docs/figures/coordinate_frames.svg is stale: python docs/figures/coordinate_frames.py"
    assert figure.OUT.read_text("utf-8") == figure.draw(), remedy
