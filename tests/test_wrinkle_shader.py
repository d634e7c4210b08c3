"""The samples' wrinkle shader, in three.js in a headless Chromium, blends as `mien.detail` does."""

import base64
import json
import zipfile
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from support.browser import JS_FOLDER, PageHandler, missing_for_three, reported
from support.wrinkles import REGIONS, SIDE, sphere_detail, wrinkled_package

from mien.detail import DetailMaps
from mien.detail_entry import PARTS
from mien.package import read_package

REASON = missing_for_three()
WEB = Path(__file__).parents[1] / "samples" / "web"
WEIGHTS = {
    "rest": (0.0, 0.0, 0.0, 0.0),
    "mixed": (-1.0, 0.5, 0.25, -0.4),
    "everywhere": (-0.6, -0.6, -0.6, -0.6),
}
CODE = 0.5 / 127.5
"""Half a step of 8 bits, of a component of a normal."""
PAGE = """<!doctype html>
<script type="importmap">
{"imports": {"three": "/web/node_modules/three/build/three.module.js",
             "three/addons/": "/web/node_modules/three/examples/jsm/"}}
</script>
<iframe id="sample" width="500" height="300" src="/web/index.html?folder=/package"></iframe>
<script type="module">
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { addWrinkles, loadWrinkleTextures, setWrinkles } from "/web/wrinkle_material.js";

const errors = [];
console.error = (...parts) => errors.push(parts.join(" "));
const finish = (report) =>
  fetch("/report", { method: "POST", body: JSON.stringify({ ...report, errors }) });

// The normal that the lighting would get, and the shares, in place of the colour.
function showNormals(material, shares) {
  const before = material.onBeforeCompile, key = material.customProgramCacheKey;
  material.onBeforeCompile = function (shader, renderer) {
    before.call(this, shader, renderer);
    shader.fragmentShader = shader.fragmentShader.replace("#include <dithering_fragment>",
      `gl_FragColor = vec4(normal.xy / normal.z, ${shares ? "mienShare" : "0.0, 1.0"});`);
  };
  material.customProgramCacheKey = function () { return key.call(this) + " normals"; };
}

async function main() {
  const { sets, side } = await (await fetch("/ask.json")).json();
  const gltf = await new GLTFLoader().loadAsync("/package/character.glb");
  let skin = null;
  gltf.scene.traverse((node) => {
    if (node.isMesh && node.material.userData.mienDetail) skin = node.material;
  });
  const entry = skin.userData.mienDetail;
  const plane = new THREE.PlaneGeometry(2, 2);
  const uv = plane.attributes.uv.array;
  plane.setAttribute("uv1", new THREE.BufferAttribute(uv.map((x, k) => (k % 2 ? 1 - x : x)), 2));
  const renderer = new THREE.WebGLRenderer();
  const target = new THREE.WebGLRenderTarget(side, side, { type: THREE.FloatType });
  const camera = new THREE.OrthographicCamera(-1, 1, 1, -1, 0, 2);
  camera.position.z = 1;
  const draw = (material) => {
    const scene = new THREE.Scene();
    scene.add(new THREE.Mesh(plane, material), new THREE.DirectionalLight());
    renderer.setRenderTarget(target);
    renderer.render(scene, camera);
    const data = new Float32Array(4 * side * side);
    renderer.readRenderTargetPixels(target, 0, 0, side, side, data);
    return Array.from(data);
  };
  const make = (kind, own) => {
    const material = new kind();
    material.side = skin.side;
    if (own) {
      material.normalMap = skin.normalMap;
      material.normalScale.copy(skin.normalScale);
    }
    return material;
  };
  const images = {};
  const plain = make(THREE.MeshStandardMaterial, true);
  showNormals(plain, false);
  images.plain = draw(plain);

  const textures = await loadWrinkleTextures(entry, "/package/", side, true);
  for (const [name, kind, own] of [["standard", THREE.MeshStandardMaterial, true],
                                   ["physical", THREE.MeshPhysicalMaterial, false]]) {
    const material = make(kind, own);
    addWrinkles(material, entry, own ? { ...textures, static: undefined } : textures);
    showNormals(material, true);
    for (const [set, weights] of Object.entries(sets)) {
      setWrinkles(material, weights);
      images[`${name} ${set}`] = draw(material);
    }
  }

  const refused = {};
  const material = make(THREE.MeshStandardMaterial, true);
  for (const [what, call] of Object.entries({
    unpatched: () => setWrinkles(material, sets.rest),
    basic: () => addWrinkles(new THREE.MeshBasicMaterial(), entry, textures),
    version: () => addWrinkles(material, { ...entry, version: 2 }, textures),
    lacking: () => addWrinkles(material, entry, { masks: textures.masks }),
    count: () => { addWrinkles(material, entry, textures); setWrinkles(material, [0]); },
    nan: () => setWrinkles(material, sets.rest.map(() => NaN)),
  })) {
    try { call(); refused[what] = null; } catch (error) { refused[what] = error.message; }
  }

  // The sample's own page, as people open it.
  const frame = document.getElementById("sample");
  const state = () => frame.contentDocument?.body?.dataset.state;
  while (!state()) await new Promise((resolve) => setTimeout(resolve, 100));
  const doc = frame.contentDocument;
  const sample = { state: state(), told: doc.getElementById("told").textContent };
  sample.sliders = [...doc.querySelectorAll("input")].map((input) => input.name);
  sample.pictures = [0, -1, 0].map((value) => {
    for (const input of doc.querySelectorAll("input")) {
      input.value = value;
      input.dispatchEvent(new Event("input"));
    }
    return doc.getElementById("view").toDataURL();
  });
  await finish({ images, refused, sample, skin: skin.normalScale.toArray() });
}

main().catch((error) => finish({ error: String(error?.stack ?? error) }));
</script>
"""


class Handler(PageHandler):
    """The page, the sample, three.js and an unzipped character."""

    def __init__(self, *args, package: Path, **rest):
        self.package = package
        super().__init__(*args, **rest)

    def translate_path(self, path: str) -> str:
        parts = urlsplit(path).path.strip("/").split("/")
        assert ".." not in parts
        if parts[:2] == ["web", "node_modules"]:
            return str(JS_FOLDER.joinpath(*parts[1:]))
        roots = {"web": WEB, "package": self.package}
        return str(roots.get(parts[0], self.package / "nothing").joinpath(*parts[1:]))

    def do_GET(self):
        ask = json.dumps({"sets": WEIGHTS, "side": SIDE})
        own = {"/page.html": ("text/html", PAGE), "/ask.json": ("application/json", ask)}
        if self.path in own:
            self.answer(own[self.path][0], own[self.path][1].encode())
        else:
            super().do_GET()


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return wrinkled_package(tmp_path_factory.mktemp("wrinkles") / "sphere.mien")


@pytest.fixture(scope="module")
def maps(path) -> DetailMaps:
    return DetailMaps.of(read_package(path), SIDE)


@pytest.fixture(scope="module")
def slopes(path) -> np.ndarray:
    """(3, S, S, 2) along tangent and bitangent, decoded from the package's normal maps."""
    package = read_package(path)
    entry = package.manifest.detail
    found = []
    with zipfile.ZipFile(path) as file:
        for part in PARTS:
            with file.open(entry.find(part, "normal", SIDE).file) as image:
                n = np.asarray(Image.open(image)) / np.float64(127.5) - 1
            found.append(-n[..., :2] / n[..., 2:])
    return np.stack(found)


def shares(maps: DetailMaps, weights) -> tuple[np.ndarray, np.ndarray]:
    w = np.asarray(weights, np.float64)
    return tuple(np.tensordot(np.maximum(s * w, 0), maps.masks, 1) for s in (-1, 1))


@pytest.fixture(scope="module")
def report(path, tmp_path_factory) -> dict:
    if REASON is not None:
        pytest.skip(REASON)
    folder = tmp_path_factory.mktemp("browser")
    with zipfile.ZipFile(path) as file:
        file.extractall(folder / "package")
    handler = partial(Handler, package=folder / "package")
    found = reported(handler, "page.html", folder, (600, 400))
    for name, values in found["images"].items():
        image = np.array(values, np.float64).reshape(SIDE, SIDE, 4)
        found["images"][name] = image[::-1]  # row 0 at the top
    return found


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("material", ["standard", "physical"])
def test_the_shader_blends_as_the_package_says(report, maps, slopes, material, name):
    """Also that +x of the view is the tangent, and green points up the image."""
    image = report["images"][f"{material} {name}"]
    press, pull = shares(maps, WEIGHTS[name])
    np.testing.assert_allclose(image[..., 2], press, atol=2e-3)
    np.testing.assert_allclose(image[..., 3], pull, atol=2e-3)
    expected = slopes[0] + press[..., None] * slopes[1] + pull[..., None] * slopes[2]
    assert np.ptp(expected) > 0.1  # there is something to blend
    np.testing.assert_allclose(image[..., :2], -maps.intensity * expected, atol=1e-3)


@pytest.mark.parametrize("name", WEIGHTS)
def test_heights_by_the_shaders_shares_are_those_of_the_runtime(report, maps, name):
    image = report["images"][f"standard {name}"]
    height = maps.static + image[..., 2] * maps.compressed + image[..., 3] * maps.stretched
    runtime = maps.displacement(np.array(WEIGHTS[name], np.float32))
    np.testing.assert_allclose(maps.intensity * height, runtime, atol=2e-6)
    assert np.abs(runtime).max() > 1e-4


def test_at_rest_the_material_is_that_of_a_plain_viewer(report):
    image = report["images"]["standard rest"]
    np.testing.assert_allclose(image[..., :2], report["images"]["plain"][..., :2], atol=1e-5)
    assert np.abs(report["images"]["standard mixed"] - image)[..., :2].max() > 0.02
    assert report["skin"] == [0.75, -0.75]


def test_no_shader_fails_and_misuse_is_told(report):
    assert report["errors"] == [], "\n".join(report["errors"])
    expected = {
        "unpatched": "addWrinkles first", "basic": "MeshBasicMaterial", "version": "version 2",
        "lacking": "textures.compressed", "count": "1 weights, expected 4", "nan": "weight 0",
    }  # fmt: skip
    for what, text in expected.items():
        assert text in (report["refused"][what] or ""), what


def test_the_sample_page_shows_a_character_under_sliders(report):
    sample = report["sample"]
    assert sample["state"] == "ready", sample["told"]
    assert sample["sliders"] == ["forehead", "chin"]
    rest, wrinkled, again = (base64.b64decode(p.partition(",")[2]) for p in sample["pictures"])
    assert rest != wrinkled and rest == again


def slopes_of(height: np.ndarray) -> np.ndarray:
    """(S, S, 2) of a height map of the sphere's atlas, by central differences."""
    tangents = sphere_detail().tangent_from_atlas
    padded = np.pad(height.astype(np.float64), 1, mode="edge")
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    return np.einsum("abyx,byx->yxa", tangents, 0.5 * SIDE * np.stack([across, down]))


def test_blended_slopes_are_those_of_the_blended_heights(maps, slopes):
    """Exactly, where the masks are level, up to the normal maps' 8 bits. Where masks rise, the
    blend of slopes leaves out height times the mask's own slope, and nothing else."""
    for weights in WEIGHTS.values():
        press, pull = (s[..., None] for s in shares(maps, weights))
        blended = slopes[0] + press * slopes[1] + pull * slopes[2]
        height = maps.displacement(np.array(weights, np.float32), intensity=1.0)
        found = slopes_of(height)
        # A code's error moves n.xy and n.z: |ds| <= code (1 + |s|) / (n.z - code), three maps.
        steep = np.abs(slopes).max()
        code = CODE * (1 + steep) / (1 / np.sqrt(1 + 2 * steep**2) - CODE)
        step = code * (1 + press + pull) + 1e-5
        left_out = sum(
            slopes_of(share[..., 0] * h) - share * slopes_of(h)
            for share, h in ((press, maps.compressed), (pull, maps.stretched))
        )
        assert (np.abs(found - left_out - blended) <= step).all()
        level = np.ones((SIDE, SIDE), bool)
        for mask in maps.masks:
            padded = np.pad(mask, 1, mode="edge")
            for near in (padded[1:-1, 2:], padded[1:-1, :-2], padded[2:, 1:-1], padded[:-2, 1:-1]):
                level &= np.abs(near - mask) < 1e-6
        assert level.mean() > 0.7 and len(maps.masks) == len(REGIONS)
        assert (np.abs(found - blended)[level] <= np.broadcast_to(step, found.shape)[level]).all()
