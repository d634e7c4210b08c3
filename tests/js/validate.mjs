// node validate.mjs FILE.glb...: the Khronos validator's reports, as one JSON object by file.
import { readFile } from "node:fs/promises";
import process from "node:process";
import validator from "gltf-validator";

const reports = {};
for (const path of process.argv.slice(2)) {
  const bytes = new Uint8Array(await readFile(path));
  reports[path] = await validator.validateBytes(bytes, { uri: path, maxIssues: 200 });
}
process.stdout.write(JSON.stringify(reports));
