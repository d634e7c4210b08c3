"""The shipped nets: intact, deterministic, batch equals singles; damaged folders are refused."""

import json
import re
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien.tracker.landmark_sets import BLENDSHAPE_POINTS
from mien.tracker.nets import TrackerNets, load_nets

MODELS = Path(str(files("mien.tracker") / "models"))
GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def nets() -> TrackerNets:
    return TrackerNets()


def crops() -> np.ndarray:
    face = np.asarray(Image.open(GOLDEN / "astronaut.jpg").convert("RGB").resize((256, 256)))
    return np.stack([face, face[:, ::-1], np.roll(face, 20, axis=0)]).astype(np.float32) / 255


def test_landmarks_of_a_batch_equal_those_of_singles(nets: TrackerNets) -> None:
    together = nets.find_landmarks(crops())
    for one, image in zip(together, crops(), strict=True):
        (alone,) = nets.find_landmarks(image[None])
        np.testing.assert_allclose(one.landmarks, alone.landmarks, atol=2e-3)
        np.testing.assert_allclose(one.deep, alone.deep, atol=2e-3)
        np.testing.assert_allclose(one.deep_map, alone.deep_map, atol=2e-3)
        assert one.presence == pytest.approx(alone.presence, abs=1e-6)


def test_detections_of_a_batch_equal_those_of_singles(nets: TrackerNets) -> None:
    views = crops()[:, ::2, ::2] * 2 - 1
    boxes, logits = nets.detect(views)
    for i in range(len(views)):
        alone = nets.detect(views[i : i + 1])
        np.testing.assert_allclose(boxes[i], alone[0][0], atol=2e-3)
        np.testing.assert_allclose(logits[i], alone[1][0], atol=2e-3)


def test_scores_ignore_place_and_size_and_batch(nets: TrackerNets) -> None:
    landmarks = np.stack([answer.landmarks for answer in nets.find_landmarks(crops())])
    scores = nets.score(landmarks)
    assert scores.shape == (3, 52)
    assert ((scores >= 0) & (scores <= 1)).all()
    np.testing.assert_allclose(nets.score(landmarks * 0.3 + 700), scores, atol=2e-3)
    np.testing.assert_allclose(nets.score(landmarks[1:2])[0], scores[1], atol=1e-5)


def test_mirroring_the_picture_mirrors_the_scores(nets: TrackerNets) -> None:
    from mien.channels import SCORE_NAMES, mirror_name

    first, mirrored, _ = nets.score(np.stack([a.landmarks for a in nets.find_landmarks(crops())]))
    partner = [
        i if name == "_neutral" else SCORE_NAMES.index(mirror_name(name))
        for i, name in enumerate(SCORE_NAMES)
    ]
    # The net was not built to be symmetric: the mirrored face only scores alike.
    assert np.corrcoef(first, mirrored[partner])[0, 1] > 0.9
    assert first[SCORE_NAMES.index("mouthSmileLeft")] > 0.7  # she smiles


def test_the_points_of_the_score_net_are_each_there_once() -> None:
    assert BLENDSHAPE_POINTS.shape == (146,)
    assert (np.diff(BLENDSHAPE_POINTS) > 0).all()
    assert BLENDSHAPE_POINTS[-1] == 477


def test_nets_are_loaded_once_and_failures_are_not_kept(tmp_path: Path) -> None:
    assert load_nets() is load_nets()
    with pytest.raises(InputError):
        load_nets(tmp_path / "models")
    shutil.copytree(MODELS, tmp_path / "models")
    assert load_nets(tmp_path / "models") is not load_nets()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        TrackerNets(tmp_path / "nowhere")


def test_an_altered_net_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(MODELS, tmp_path / "models")
    path = folder / "face_scores.onnx"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"face_scores\.onnx: altered"):
        TrackerNets(folder)
    path.unlink()
    with pytest.raises(InputError, match=r"face_scores\.onnx: cannot be read"):
        TrackerNets(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3'])
def test_a_damaged_index_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "models.json").write_text(text)
    with pytest.raises(InputError, match=r"models\.json"):
        TrackerNets(tmp_path)


def test_every_file_in_the_index_is_there_and_credited() -> None:
    index = json.loads((MODELS / "models.json").read_text())
    assert index["licence"] == "Apache-2.0"
    notice = (MODELS / "NOTICE.txt").read_text()
    assert index["source_sha256"] in notice
    assert {"face_detector.onnx", "face_landmarks.onnx", "face_scores.onnx"} == set(index["files"])
    for path in MODELS.iterdir():
        assert path.name in notice or path.name == "NOTICE.txt"


def test_scores_are_those_that_google_expects_of_its_portrait(
    nets: TrackerNets, shared_data
) -> None:
    """Google's own landmarks of its test portrait (820x1024) give its own expected scores."""
    from mien.channels import SCORE_NAMES

    folder = shared_data("tracker_mediapipe")
    points = re.findall(
        r"x: (\S+)\s+y: (\S+)", (folder / "portrait_expected_face_landmarks.pbtxt").read_text()
    )
    expected = (folder / "portrait_expected_blendshapes.pbtxt").read_text()
    assert tuple(re.findall(r'label: "(\w+)"', expected)) == SCORE_NAMES
    landmarks = np.array(points, np.float32) * np.array((820, 1024), np.float32)
    assert landmarks.shape == (478, 2)
    scores = [float(score) for score in re.findall(r"score: (\S+)", expected)]
    np.testing.assert_allclose(nets.score(landmarks[None])[0], scores, atol=0.01)
