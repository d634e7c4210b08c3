// node splats.mjs FILE...: what three.js's loaders make of splats in .glb, .ply and .spz, as one
// JSON object by file: centres, covariances (xx, xy, xz, yy, yz, zz) and colours (RGBA bytes).
import { readFile } from "node:fs/promises";
import process from "node:process";

globalThis.self = globalThis;
const { GLTFLoader } = await import("three/addons/loaders/GLTFLoader.js");
const { GLTFGaussianSplatLoaderExtension } = await import(
  "three/addons/loaders/GLTFGaussianSplatLoaderExtension.js"
);
const { GaussianSplatPLYLoader } = await import("three/addons/loaders/GaussianSplatPLYLoader.js");
const { SPZLoader } = await import("three/addons/loaders/SPZLoader.js");

async function geometryOf(path, buffer) {
  if (path.endsWith(".spz")) return new SPZLoader().parse(buffer);
  if (path.endsWith(".ply")) return new GaussianSplatPLYLoader().parse(buffer);
  const loader = new GLTFLoader();
  loader.register((parser) => new GLTFGaussianSplatLoaderExtension(parser));
  const { scene } = await loader.parseAsync(buffer, "");
  let found;
  scene.traverse((object) => {
    if (object.isGaussianSplat) found = object;
  });
  return found;
}

const reports = {};
for (const path of process.argv.slice(2)) {
  const bytes = await readFile(path);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const found = await geometryOf(path, buffer);
  const geometry = found.splatGeometry ?? found;
  reports[path] = Object.fromEntries(
    ["position", "covariance", "color"].map((name) => [
      name,
      Array.from(geometry.getAttribute(name).array),
    ]),
  );
}
process.stdout.write(JSON.stringify(reports));
