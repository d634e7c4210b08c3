"""The samples' avatar, in a headless Chromium: the formula against the golden numbers, in GLSL and
in HLSL; a whole package against the Python runtime; the page that people open."""

import base64
import io
import json
import queue
import shutil
import subprocess
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from support.browser import JS_FOLDER, chromium, missing_for_three
from support.rigs import CENTRE_M
from support.splat_avatars import avatar_package, sphere_avatar
from support.splat_golden import PATH, golden, golden_model

import mien
from mien.avatar import Pinhole, draw_splats
from mien.deform import blend
from mien.rotation import matrix_from_quaternion, unit_quaternion

REASON = missing_for_three()
SAMPLES = Path(__file__).parents[1] / "samples"
WEB = SAMPLES / "web"
HLSL = {"unity": SAMPLES / "unity/MienSplats.hlsl", "unreal": SAMPLES / "unreal/MienSplats.ush"}
WEIGHTS = (0.7, 0.2, 0.5)
SIDE, TOLERANCE = 96, 1e-4
FLAGS = (
    "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-gpu-sandbox", "--disable-dev-shm-usage", "--no-first-run", "--window-size=600,400",
)  # fmt: skip
GLSL_OF_HLSL = """
#define float2 vec2
#define float3 vec3
#define float4 vec4
#define MienSplat HlslSplat
#define MienAnchor HlslAnchor
"""
PAGE = """<!doctype html>
<iframe id="sample" width="500" height="300" src="/web/avatar.html?folder=/package"></iframe>
<script type="module">
import { FORMULA } from "/web/splat_formula.js";
import { coefficientsOf, cornersOf, goldenModel, readModel } from "/web/splat_model.js";
import { SplatRenderer } from "/web/splat_renderer.js";

const finish = (report) => fetch("/report", { method: "POST", body: JSON.stringify(report) });
const newGl = (side) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const options = { alpha: true, antialias: false, preserveDrawingBuffer: true };
  return canvas.getContext("webgl2", options);
};

// The formula once more, in another language: the HLSL text, whose types GLSL knows by other names.
function withHlsl(source, hlsl) {
  const anchor = source.match(/MienAnchor pose = mienAnchor\\(([^;]*)\\);/)[1];
  const made = source.replace(FORMULA, hlsl)
    .replace(/MienAnchor pose[^;]*;/, `HlslAnchor pose = MienPoseAnchor(${anchor});`)
    .replace(/MienSplat s = mienSplat/, "HlslSplat s = MienPoseSplat")
    .replaceAll("s.mean", "s.Mean").replaceAll("s.opacity", "s.Opacity")
    .replaceAll("s.colour", "s.Colour").replace(/s\\.axis(\\d)/g, "s.Axis$1");
  if (/mienAnchor|mienSplat/.test(made)) throw new Error("the HLSL did not take the GLSL's place");
  return made;
}

async function main() {
  const ask = await (await fetch("/ask.json")).json();
  const model = goldenModel(ask.golden), found = {};
  const run = (name) => {
    const renderer = new SplatRenderer(newGl(8), model);
    found[name] = ask.golden.cases.map(({ positions, coefficients }) => {
      renderer.pose(positions, coefficients);
      return Array.from(renderer.posed);
    });
  };
  run("glsl");
  const compile = WebGL2RenderingContext.prototype.shaderSource;
  for (const [name, hlsl] of Object.entries(ask.hlsl)) {
    WebGL2RenderingContext.prototype.shaderSource = function (shader, source) {
      compile.call(this, shader, source.includes("mienAnchor") ? withHlsl(source, hlsl) : source);
    };
    run(name);
  }
  WebGL2RenderingContext.prototype.shaderSource = compile;
  const corners = ask.golden.cases.map(({ positions }) => {
    const { normals, tangents } = cornersOf(model, positions);
    return { normals: Array.from(normals), tangents: Array.from(tangents) };
  });

  const whole = readModel(await (await fetch("/package/avatar/splats.glb")).arrayBuffer());
  const amounts = coefficientsOf(whole, ask.weights, ask.view);
  const gl = newGl(ask.camera.width), renderer = new SplatRenderer(gl, whole);
  renderer.pose(ask.positions, amounts);
  gl.clearColor(0, 0, 0, 0);
  gl.clear(gl.COLOR_BUFFER_BIT);
  renderer.draw(ask.camera);
  const sorted = renderer.attributes();
  const side = ask.camera.width, image = new Uint8Array(4 * side * side);
  gl.readPixels(0, 0, side, side, gl.RGBA, gl.UNSIGNED_BYTE, image);

  const refused = {};
  for (const [what, call] of Object.entries({
    glb: () => readModel(new ArrayBuffer(40)),
    vertices: () => cornersOf(model, new Float32Array(9)),
    amounts: () => renderer.pose(ask.positions, [0]),
    weights: () => coefficientsOf(whole, [0], ask.view),
  })) {
    try { call(); refused[what] = null; } catch (error) { refused[what] = error.message; }
  }

  const frame = document.getElementById("sample");
  const state = () => frame.contentDocument?.body?.dataset.state;
  while (!state()) await new Promise((resolve) => setTimeout(resolve, 100));
  const doc = frame.contentDocument;
  const sample = { state: state(), told: doc.getElementById("told").textContent };
  sample.mark = doc.getElementById("mark").textContent;
  const inputs = [...doc.querySelectorAll('input[type="range"]')];
  sample.sliders = inputs.map((input) => input.name);
  sample.pictures = [];
  for (const value of [0, 1, 0]) {
    for (const input of inputs) {
      input.value = value;
      input.dispatchEvent(new Event("input"));
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    sample.pictures.push(doc.getElementById("view").toDataURL());
  }
  const play = doc.querySelector('input[name="play"]');
  play.checked = true;
  play.dispatchEvent(new Event("change"));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  sample.pictures.push(doc.getElementById("view").toDataURL());
  play.checked = false;
  await finish({
    found, corners, amounts: Array.from(amounts), posed: Array.from(renderer.posed), refused,
    sample, sorted: Array.from(sorted), image: Array.from(image),
  });
}

main().catch((error) => finish({ error: String(error?.stack ?? error) }));
</script>
"""


class Handler(SimpleHTTPRequestHandler):
    """The page, the samples, three.js and an unzipped character; takes the page's report."""

    def __init__(self, *args, package: Path, ask: bytes, reports: queue.Queue, **rest):
        self.package, self.ask, self.reports = package, ask, reports
        super().__init__(*args, **rest)

    def translate_path(self, path: str) -> str:
        parts = urlsplit(path).path.strip("/").split("/")
        assert ".." not in parts
        if parts[:2] == ["web", "node_modules"]:
            return str(JS_FOLDER.joinpath(*parts[1:]))
        roots = {"web": WEB, "package": self.package}
        return str(roots.get(parts[0], self.package / "nothing").joinpath(*parts[1:]))

    def do_GET(self):
        own = {
            "/page.html": ("text/html", PAGE.encode()),
            "/ask.json": ("application/json", self.ask),
        }
        if self.path not in own:
            super().do_GET()
            return
        self.answer(*own[self.path])

    def do_POST(self):
        self.reports.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer("text/plain", b"")

    def answer(self, kind: str, content: bytes):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        """Quiet."""


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return avatar_package(tmp_path_factory.mktemp("avatar") / "sphere.mien")


@pytest.fixture(scope="module")
def camera() -> Pinhole:
    """Aside and above, so that the view counts."""
    turn = matrix_from_quaternion(unit_quaternion([0.1, 0.25, -0.02, 1.0]))
    pose = np.eye(4)
    pose[:3, :3] = np.diag([1.0, -1, -1]) @ turn
    pose[:3, 3] = np.array([0, 0, 0.6]) - pose[:3, :3] @ CENTRE_M
    return Pinhole(np.array([[190.0, 0, SIDE / 2], [0, 190, SIDE / 2], [0, 0, 1]]), pose)


@pytest.fixture(scope="module")
def report(path, camera, tmp_path_factory) -> dict:
    if REASON is not None:
        pytest.skip(REASON)
    folder = tmp_path_factory.mktemp("browser")
    with zipfile.ZipFile(path) as file:
        file.extractall(folder / "package")
    pose = camera.camera_from_world
    ask = {
        "golden": json.loads(PATH.read_text()), "weights": WEIGHTS,
        "hlsl": {name: GLSL_OF_HLSL + file.read_text() for name, file in HLSL.items()},
        "view": pose[:3, :2].ravel().tolist(),
        "positions": blend(mien.load(path).rig, WEIGHTS).ravel().tolist(),
        "camera": {
            "cameraFromRig": pose.ravel().tolist(), "fx": camera.K[0, 0], "fy": camera.K[1, 1],
            "cx": camera.K[0, 2], "cy": camera.K[1, 2], "width": SIDE, "height": SIDE,
        },
    }  # fmt: skip
    reports: queue.Queue[bytes] = queue.Queue()
    handler = partial(
        Handler, package=folder / "package", ask=json.dumps(ask).encode(), reports=reports
    )
    log = folder / "chromium.log"
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, log.open("wb") as told:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/page.html"
        command = [str(chromium()), *FLAGS, f"--user-data-dir={folder / 'profile'}", url]
        browser = subprocess.Popen(command, stdout=told, stderr=told)
        try:
            found = json.loads(reports.get(timeout=120))
        except queue.Empty:
            raise AssertionError(f"the page gave no report: {log.read_text()[-2000:]}") from None
        finally:
            browser.terminate()
            try:
                browser.wait(20)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()
            server.shutdown()
            thread.join()
    assert "error" not in found, found["error"]
    return found


def flat(means, rotations, scales, opacities, colours) -> dict[str, np.ndarray]:
    """Attributes as a shader has them, in double precision: covariances instead of axes."""
    frames = matrix_from_quaternion(unit_quaternion(np.reshape(rotations, (-1, 4))))
    axes = frames * np.reshape(scales, (-1, 1, 3))
    return {
        "means": np.reshape(means, (-1, 3)), "covariances": axes @ axes.transpose(0, 2, 1),
        "opacities": np.reshape(opacities, -1), "colours": np.reshape(colours, (-1, 3)),
    }  # fmt: skip


def drawn(values) -> dict[str, np.ndarray]:
    """The same of a renderer's 16 numbers a Gaussian."""
    rows = np.reshape(values, (-1, 16)).astype(np.float64)
    axes = rows[:, 4:13].reshape(-1, 3, 3).transpose(0, 2, 1)  # columns
    return {
        "means": rows[:, :3], "covariances": axes @ axes.transpose(0, 2, 1),
        "opacities": rows[:, 3], "colours": rows[:, 13:],
    }  # fmt: skip


def assert_alike(found: dict, expected: dict) -> None:
    """Means to 1e-4 of a head's metre, covariances to 1e-4 of the largest, codes to 1e-4."""
    for name, values in expected.items():
        largest = np.abs(values).max() if name == "covariances" else 1.0
        assert np.abs(found[name] - values).max() <= TOLERANCE * largest, name


def test_the_file_is_what_the_runtime_says():
    """python tests/support/splat_golden.py writes it anew."""
    held, made = json.loads(PATH.read_text()), golden()
    assert held.keys() == made.keys() and held["about"] == made["about"]
    for key in ("tables", "gaussians"):
        for name, values in made[key].items():
            np.testing.assert_allclose(held[key][name], values, rtol=1e-6, err_msg=name)
    model = golden_model()
    for case, again in zip(held["cases"], made["cases"], strict=True):
        vertices = np.reshape(case["positions"], (-1, 3))
        splats = model.posed(vertices, np.array(case["coefficients"]))
        for name, values in case["splats"].items():
            np.testing.assert_allclose(
                getattr(splats, name).ravel(), values, atol=2e-7, err_msg=name
            )
        for name, values in case["vertices"].items():
            np.testing.assert_allclose(values, again["vertices"][name], atol=1e-6)
    assert len(model) == 10 and (model.lift_m > 0).sum() == 4


@pytest.mark.parametrize("port", ["glsl", *HLSL])
def test_ports_of_the_formula(report, port):
    for case, values in zip(golden()["cases"], report["found"][port], strict=True):
        assert_alike(drawn(values), flat(**case["splats"]))


def test_what_the_triangles_around_vertices_give(report):
    for case, values in zip(golden()["cases"], report["corners"], strict=True):
        expected = case["vertices"]
        normals = np.reshape(values["normals"], (-1, 4))
        np.testing.assert_allclose(normals[:, :3].ravel(), expected["normals"], atol=TOLERANCE)
        np.testing.assert_allclose(normals[:, 3], expected["ratios"], atol=TOLERANCE)
        tangents = np.reshape(values["tangents"], (-1, 4))[:, :3].astype(np.float64)
        tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
        np.testing.assert_allclose(tangents.ravel(), expected["tangents"], atol=TOLERANCE)


def test_a_whole_package_moves_as_in_python(report, path, camera):
    avatar = mien.load(path).avatar()
    turn = np.array(report["amounts"])
    from mien.avatar.playback.splat_avatar import camera_turn

    expected = avatar.network.coefficients(np.array(WEIGHTS, np.float32), camera_turn(camera))
    np.testing.assert_allclose(turn, expected, atol=TOLERANCE)
    splats = avatar.model.posed(blend(avatar.rig, WEIGHTS), expected)
    assert_alike(
        drawn(report["posed"]),
        flat(splats.means, splats.rotations, splats.scales, splats.opacities, splats.colours),
    )
    depth = drawn(report["sorted"])["means"] @ camera.camera_from_world[2, :3]
    assert (np.diff(depth) < 1e-4).all()  # the farthest first


def test_it_is_drawn_as_in_python(report, path, camera):
    avatar = mien.load(path).avatar()
    amounts = np.array(report["amounts"], np.float32)
    splats = avatar.model.posed(blend(avatar.rig, WEIGHTS), amounts)
    expected = 255 * draw_splats(splats, camera, SIDE, SIDE)
    image = np.array(report["image"], np.float64).reshape(SIDE, SIDE, 4)[::-1]
    # Both round, but every layer of the browser's is rounded to 8 bits.
    apart = np.abs(image - expected.clip(0, 255))
    assert apart.mean() < 1.0 and np.quantile(apart, 0.999) < 8, (apart.mean(), apart.max())
    assert image[..., 3].mean() > 30


def test_wrong_calls_are_told(report):
    assert report["refused"] == {
        "glb": "not a GLB", "vertices": "3 vertices, expected 6",
        "amounts": "1 amounts, expected 5", "weights": "7 values, expected 9",
    }  # fmt: skip


def test_the_page_moves_the_avatar(report, path):
    sample = report["sample"]
    assert sample["state"] == "ready", sample["told"]
    assert f"{len(sphere_avatar().anchor)} Gaussians" in sample["told"]
    assert sample["mark"] == mien.load(path).avatar().entry.synthetic_mark
    assert sorted(sample["sliders"]) == sorted(mien.load(path).channel_names)
    rest, moved, again, played = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))), np.int16)
        for url in sample["pictures"]
    )
    assert (rest[..., 3] > 128).mean() > 0.05
    assert np.abs(moved - rest).mean() > 0.5
    np.testing.assert_array_equal(rest, again)
    assert np.abs(played - rest).mean() > 0.1


def test_both_engines_have_one_formula():
    one, other = (file.read_text().partition("#ifndef")[2] for file in HLSL.values())
    assert one == other and "MienPoseSplat" in one


@pytest.mark.parametrize("engine", HLSL)
def test_an_hlsl_compiler_takes_it(engine, tmp_path):
    if shutil.which("glslangValidator") is None:
        pytest.skip("there is no glslangValidator (apt-get install glslang-tools)")
    call = """
float4 main(float4 P : POSITION, float4 N : NORMAL, float3 T : TANGENT) : SV_Position
{
    MienAnchor A = MienPoseAnchor(P.xyz, P.yzx, P.zxy, N, N, N, T, T, T, float3(0.2, 0.3, 0.5));
    MienSplat S = MienPoseSplat(A, P.xyz, T, T, P.w, T, 0.0, 0.001);
    return float4(S.Mean + S.Axis0 + S.Axis1 + S.Axis2 + S.Colour, S.Opacity);
}
"""
    source = tmp_path / "check.hlsl"
    source.write_text(HLSL[engine].read_text() + call)
    command = ["glslangValidator", "-D", "-V", "-S", "vert", "-e", "main", "-o",
               str(tmp_path / "check.spv"), str(source)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
