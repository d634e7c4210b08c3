"""`mien export tracker` on the real task file, and on files that are not it."""

import io
import json
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from mien.errors import InputError
from mien_exporters.tracker import ExportTracker, run
from mien_exporters.tracker.convert import NETS

MODELS = Path(str(files("mien.tracker") / "models"))
GOLDEN = Path(__file__).parents[2] / "golden"
TASK = "tracker_mediapipe/face_landmarker.task"


def test_the_shipped_nets_are_what_the_command_writes(shared_data, tmp_path: Path) -> None:
    assert run(ExportTracker(shared_data(TASK), tmp_path)) == 0
    for name in ("face_detector.onnx", "face_landmarks.onnx", "face_scores.onnx"):
        assert (tmp_path / name).read_bytes() == (MODELS / name).read_bytes(), name
    written = json.loads((tmp_path / "models.json").read_text())
    assert written["files"] == json.loads((MODELS / "models.json").read_text())["files"]


def test_the_shipped_nets_keep_the_rules() -> None:
    for spec in NETS:
        model = onnx.load(MODELS / f"{spec.name}.onnx")
        onnx.checker.check_model(model, full_check=True)
        assert model.ir_version == 8
        assert [(o.domain, o.version) for o in model.opset_import] == [("", 15)]
        assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
        assert [output.name for output in model.graph.output] == [o.name for o in spec.outputs]
        properties = {entry.key: entry.value for entry in model.metadata_props}
        assert properties["licence"] == "Apache-2.0" and len(properties["source_sha256"]) == 64
        kinds = {node.op_type for node in model.graph.node}
        assert not kinds & {"PRelu", "Pad"} or spec.name == "face_scores"


def test_the_nets_give_what_the_originals_give(shared_data) -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    face = Image.open(GOLDEN / "astronaut.jpg").convert("RGB").crop((49, 44, 209, 204))
    pixels = {n: np.asarray(face.resize((n, n)), np.float32)[None] for n in (128, 256)}
    points = np.random.default_rng(0).uniform(0, 256, (1, 146, 2)).astype(np.float32)
    values = [pixels[128] / 127.5 - 1, pixels[256] / 255, points]
    with zipfile.ZipFile(shared_data(TASK)) as archive:
        for spec, x in zip(NETS, values, strict=True):
            original = interpreter.Interpreter(model_content=archive.read(spec.source_name))
            original.allocate_tensors()
            original.set_tensor(original.get_input_details()[0]["index"], x)
            original.invoke()
            session = onnxruntime.InferenceSession(
                MODELS / f"{spec.name}.onnx", providers=["CPUExecutionProvider"]
            )
            names = [output.name for output in spec.outputs]
            got = dict(zip(names, session.run(names, {spec.input_name: x}), strict=True))
            for name, detail in zip(names, original.get_output_details(), strict=False):
                expected = original.get_tensor(detail["index"]).reshape(got[name].shape)
                error = np.abs(got[name] - expected).max() / np.abs(expected).max()
                assert error < 1e-3, (spec.name, name)


def damaged(tmp_path: Path, name: str, content: bytes | None) -> Path:
    path = tmp_path / "bad.task"
    with zipfile.ZipFile(path, "w") as archive:
        for spec in NETS:
            if spec.source_name != name:
                archive.writestr(spec.source_name, b"\x00\x00\x00\x00TFL3")
            elif content is not None:
                archive.writestr(name, content)
    return path


def test_files_that_are_not_the_task_are_refused_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    cases = {
        "no net inside": damaged(tmp_path, "face_detector.tflite", None),
        "no TFLite": damaged(tmp_path / ".", "face_detector.tflite", b"hello hello hello"),
    }
    for path in cases.values():
        with pytest.raises(InputError, match=r"bad\.task|face_detector\.tflite"):
            run(ExportTracker(path, out))
    (tmp_path / "text").write_text("no zip at all")
    with pytest.raises(InputError, match="not a task file"):
        run(ExportTracker(tmp_path / "text", out))
    with pytest.raises(InputError, match="cannot be read"):
        run(ExportTracker(tmp_path / "nowhere", out))
    assert not out.exists()


def test_a_damaged_net_is_named(shared_data, tmp_path: Path) -> None:
    data = bytearray(shared_data(TASK).read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        net = archive.read("face_detector.tflite")
    path = damaged(tmp_path, "face_detector.tflite", net[: len(net) // 3])
    with pytest.raises(InputError, match=r"face_detector\.tflite"):
        run(ExportTracker(path, tmp_path / "out"))
