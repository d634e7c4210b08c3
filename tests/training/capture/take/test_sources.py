"""Sources are told apart, and find their cameras by name."""

import pytest
from PIL import Image

from mien.errors import InputError
from mien_training.capture.take.sources import matched_sources, sources_of


@pytest.fixture
def folders(tmp_path):
    for name in ("b", "a", "empty", ".hidden"):
        (tmp_path / "take" / name).mkdir(parents=True)
    for name in ("a", "b", ".hidden"):
        Image.new("RGB", (4, 4)).save(tmp_path / "take" / name / "0.png")
    return tmp_path / "take"


def test_one_folder_stands_for_those_in_it(folders):
    assert sources_of([folders]) == (folders / "a", folders / "b")
    assert sources_of([folders / "b", folders / "a"]) == (folders / "b", folders / "a")


def test_what_is_no_take(folders, tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"not looked into here")
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "film.mp4"
    twin.write_bytes(b"")
    for given, told in (
        ([], "no source"),
        ([film], "two or more cameras"),
        ([folders / "a"], "two or more cameras"),
        ([folders / "empty"], "0 folders of pictures"),
        ([folders / "gone", film], "no such file"),
        ([film, twin], "two sources are called"),
        ([film, folders / "a"], "is a film and a is not"),
    ):
        with pytest.raises(InputError, match=told):
            sources_of(given)


def test_names_match_whole_or_without_the_suffix(folders, tmp_path):
    film = tmp_path / "c.mp4"
    found = matched_sources([folders / "a", film], ["c.png", "a"], "cal.json")
    assert list(found.items()) == [("a", folders / "a"), ("c.png", film)]
    exact = matched_sources([film], ["c.mp4"], "cal.json")
    assert exact == {"c.mp4": film}


@pytest.mark.parametrize(
    ("cameras", "told"),
    [
        (["a"], "no camera for 'b'"),
        (["a", "b.png", "b.jpg"], "several cameras"),
        (["a", "b", "z"], "no film or folder for camera 'z'"),
    ],
)
def test_a_source_without_a_camera_and_a_camera_without_a_source(folders, cameras, told):
    with pytest.raises(InputError, match=rf"cal\.json: .*{told}"):
        matched_sources([folders / "a", folders / "b"], cameras, "cal.json")


def test_two_sources_of_one_camera(folders, tmp_path):
    film = tmp_path / "a.mp4"
    with pytest.raises(InputError, match=r"fits 'a' and 'a\.mp4'"):
        matched_sources([folders / "a", film], ["a", "b"], "cal.json")
