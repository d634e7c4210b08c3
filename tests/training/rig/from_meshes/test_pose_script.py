"""Scripts of poses: what rows mean, the list that ships, and every mistake by file, line, field."""

from dataclasses import replace

import numpy as np
import pytest
from support.captured import captured_meshes

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.rig.from_meshes.pose_script import directed_poses, read_script

NAMES = ("jawOpen", "mouthPucker", "puff")


@pytest.fixture
def script(tmp_path):
    """Call with the text of a file."""

    def read(text):
        path = tmp_path / "poses.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_script(path, NAMES)

    return read


def test_rows_name_moments_shapes_and_amounts(script):
    found = script('order,prompt,jawOpen,puff\n2,"Open, wide",.8,\n\n1,,,0.5\n')
    assert found.key == "order" and found.names == ("jawOpen", "puff")
    assert found.prompt == ("Open, wide", "") and found.line == (2, 4)
    np.testing.assert_array_equal(found.of_shapes(NAMES), [[0.8, 0, 0], [0, 0, 0.5]])
    assert found.rows_of(captured_meshes(3, 4)).tolist() == [1, 0]


def test_frames_are_preferred_to_times_and_times_to_order(script):
    meshes = replace(captured_meshes(4, 4), frame=np.array([10, 20, 30, 40]))
    assert script("order,time_s,frame,jawOpen\n1,0.1,30,1").rows_of(meshes).tolist() == [2]
    assert script("order,time_s,jawOpen\n4,0.06,1").rows_of(meshes).tolist() == [2]


def test_marks_of_other_programs_do_no_harm(script):
    assert script("\ufefforder, jawOpen\r\n1, 0.5\r\n").amounts.tolist() == [[0.5]]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no poses"),
        ("order,jawOpen\n", "no poses"),
        (b"order\n\xff\xfe", "cannot be read as text"),
        ("jawOpen\n0.5", "line 1: no field frame, time_s or order"),
        ("order,jawOpne\n1,0.5", "line 1, field 'jawOpne': expected"),
        ("order,jawOpen,jawOpen\n1,1,1", "line 1, field 'jawOpen': there twice"),
        ("order,jawOpen\n1,0.5,3", "line 2: 3 fields, expected 2"),
        ("order,jawOpen\none,1", "line 2, field 'order': 'one', expected a number"),
        ("order,jawOpen\n,1", "line 2, field 'order': '', expected a number"),
        ("order,jawOpen\n1,1\n2,much", "line 3, field 'jawOpen': 'much', expected a number"),
        ("order,jawOpen\n1,nan", "line 2, field 'jawOpen': 'nan'"),
        ("order,jawOpen\n1,1.5", "line 2, field 'jawOpen': '1.5', expected 0 to 1"),
        ("order,jawOpen\n1,-0.1", "line 2, field 'jawOpen': '-0.1', expected 0 to 1"),
        ('order,jawOpen\n1,"0.5', "not a CSV file"),
    ],
)
def test_mistakes_are_named(script, text, what):
    with pytest.raises(InputError, match=what) as raised:
        script(text)
    assert "poses.csv" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("order\n4", "line 2, field 'order': 4, expected a whole number of 1 to 3"),
        ("order\n0", "field 'order': 0"),
        ("order\n1.5", "field 'order': 1.5"),
        ("order\n2\n2", "line 3, field 'order': the moment of line 2 again"),
        ("frame\n7", "field 'frame': 7, expected a frame of the capture, which has 0 to 2"),
        ("time_s\n0.5", "field 'time_s': 0.5 s, no moment within"),
        ("time_s\n0.01\n0", "line 3, field 'time_s': the moment of line 2 again"),
    ],
)
def test_moments_that_are_not_there_are_named(script, text, what):
    with pytest.raises(InputError, match=what):
        script(text).rows_of(captured_meshes(3, 4))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_script(tmp_path / "none.csv", NAMES)


def test_the_list_that_ships_asks_for_every_channel():
    poses = directed_poses()
    amounts = poses.of_shapes(ARKIT_CHANNELS)
    assert len(amounts) == 60 and poses.moment.tolist() == list(range(1, 61))
    assert (amounts.max(0) >= 0.5).all()
    assert all(poses.prompt) and len(set(poses.prompt)) == 60
    assert amounts[0].max() == 0  # neutral first
    read = read_script("directed", NAMES)
    np.testing.assert_array_equal(read.amounts, poses.amounts)
