/**
 * An avatar of a mien character: what avatar/splats.glb holds, and what of it changes with a frame.
 *
 *   const model = readModel(await (await fetch("ada/avatar/splats.glb")).arrayBuffer());
 *   const amounts = coefficientsOf(model, weights, view); // every frame
 *   const corners = cornersOf(model, positions);          // of the mesh, blended already
 *
 * No library is needed. The rest is done per Gaussian, on the GPU: splat_formula.js.
 */

const ARRAYS = { 5120: Int8Array, 5121: Uint8Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
const TABLES = ["texel", "triangle", "bary", "triangles", "uvs", "source", "restAreas", "mapSteps", "maps"];
const OPTIONAL = ["extraCorners", "extraWeights"];
const OWN = ["_ANCHOR", "_LIFT_M", "_SPACING_M", "_PLACE", "_TURN", "_SIZE_LOG", "_OPACITY_LOGIT", "_COLOUR_LOGIT"];

/** The model in the bytes of avatar/splats.glb. Throws an Error for other files. */
export function readModel(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 28 || view.getUint32(0, true) !== 0x46546c67) throw new Error("not a GLB");
  const length = view.getUint32(12, true);
  const document = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
  const start = 20 + length + 8;
  const told = document.meshes?.[0]?.extras?.mienAvatar;
  if (told?.version !== 1 || told.kind !== "splats") throw new Error("no avatar of mien, or a newer one");
  const array = (index) => {
    const accessor = document.accessors[index];
    const at = start + document.bufferViews[accessor.bufferView].byteOffset;
    const kind = ARRAYS[accessor.componentType], count = accessor.count * WIDTHS[accessor.type];
    return new kind(buffer.slice(at, at + count * kind.BYTES_PER_ELEMENT));
  };
  const { attributes } = document.meshes[0].primitives[0];
  const tables = Object.fromEntries(Object.entries(told.tables).map(([name, index]) => [name, array(index)]));
  const gaussians = Object.fromEntries(OWN.map((name) => [name, array(attributes[name])]));
  const network = told.network.map((layer) => ({
    ...layer, matrix: array(layer.matrix), offset: array(layer.offset),
  }));
  return model(told.vertices, tables, gaussians, told.coefficients, told.channels, network);
}

/** The model in samples/golden/splats.json, parsed. */
export function goldenModel(golden) {
  const kinds = { bary: Float32Array, uvs: Float32Array, restAreas: Float32Array, extraWeights: Float32Array,
                  mapSteps: Float32Array, maps: Int8Array };
  const tables = Object.fromEntries(
    Object.entries(golden.tables).map(([name, values]) => [name, (kinds[name] ?? Uint32Array).from(values)]),
  );
  const gaussians = Object.fromEntries(
    Object.entries(golden.gaussians).map(([name, values]) => [name, Float32Array.from(values)]),
  );
  return model(golden.vertices, tables, gaussians, golden.coefficients, [], []);
}

function model(vertices, tables, gaussians, coefficients, channels, network) {
  for (const name of TABLES) if (!tables[name]) throw new Error(`the avatar lacks the table ${name}`);
  for (const name of OPTIONAL) tables[name] ??= new Float32Array(0);
  const extra = tables.restAreas.length - vertices;
  return {
    ...tables, gaussians, coefficients, channels, network, vertices, extra,
    anchors: tables.triangle.length,
    count: gaussians._ANCHOR.length,
    followed: extra ? tables.extraCorners.length / extra : 0,
  };
}

/**
 * The amounts of the maps: weights of the channels (an object by name, or an array in the order of
 * model.channels) and the first two columns of camera_from_rig's rotation, row by row (6 numbers; the
 * camera looks along +z, y down).
 */
export function coefficientsOf(model, weights, view) {
  const named = !Array.isArray(weights) && !ArrayBuffer.isView(weights);
  let values = [...(named ? model.channels.map((name) => weights[name] ?? 0) : weights), ...view];
  model.network.forEach((layer, k) => {
    if (values.length !== layer.inputs) throw new Error(`${values.length} values, expected ${layer.inputs}`);
    values = Array.from(layer.offset, (offset, row) => {
      let sum = offset;
      for (let i = 0; i < layer.inputs; i++) sum += layer.matrix[row * layer.inputs + i] * values[i];
      return k < model.network.length - 1 ? Math.max(sum, 0) : sum;
    });
  });
  return Float32Array.from(values);
}

/**
 * What the triangles around each vertex give, for positions of the mesh (3 V numbers, metres):
 * positions (4 (V + E)), normals with the root of the areas' ratio in w (4 (V + E)), both of the mesh's
 * vertices and the extra ones, and tangents (4 A), of the atlas's.
 */
export function cornersOf(model, given) {
  const { vertices, extra, followed, source, triangles, uvs } = model;
  if (given.length !== 3 * vertices) throw new Error(`${given.length / 3} vertices, expected ${vertices}`);
  const all = vertices + extra;
  const positions = new Float32Array(4 * all), normals = new Float32Array(4 * all);
  const tangents = new Float32Array(4 * source.length), areas = new Float32Array(all);
  for (let v = 0; v < vertices; v++) for (let i = 0; i < 3; i++) positions[4 * v + i] = given[3 * v + i];
  for (let e = 0; e < extra; e++) {
    for (let c = 0; c < followed; c++) {
      const from = model.extraCorners[e * followed + c], share = model.extraWeights[e * followed + c];
      for (let i = 0; i < 3; i++) positions[4 * (vertices + e) + i] += share * given[3 * from + i];
    }
  }
  for (let f = 0; f < triangles.length; f += 3) {
    const a = triangles[f], b = triangles[f + 1], c = triangles[f + 2];
    const p = 4 * source[a], q = 4 * source[b], r = 4 * source[c];
    const x1 = positions[q] - positions[p], x2 = positions[r] - positions[p];
    const y1 = positions[q + 1] - positions[p + 1], y2 = positions[r + 1] - positions[p + 1];
    const z1 = positions[q + 2] - positions[p + 2], z2 = positions[r + 2] - positions[p + 2];
    const across = [y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2];
    const d1 = uvs[2 * b + 1] - uvs[2 * a + 1], d2 = uvs[2 * c + 1] - uvs[2 * a + 1];
    const along = [d1 * x2 - d2 * x1, d1 * y2 - d2 * y1, d1 * z2 - d2 * z1];
    const area = 0.5 * Math.hypot(...across);
    for (const corner of [a, b, c]) {
      const v = source[corner];
      areas[v] += area;
      for (let i = 0; i < 3; i++) {
        normals[4 * v + i] += across[i];
        tangents[4 * corner + i] += along[i];
      }
    }
  }
  for (let v = 0; v < all; v++) {
    const length = Math.hypot(normals[4 * v], normals[4 * v + 1], normals[4 * v + 2]) || 1;
    for (let i = 0; i < 3; i++) normals[4 * v + i] /= length;
    normals[4 * v + 3] = Math.sqrt(areas[v] / Math.max(model.restAreas[v], 1e-12));
  }
  return { positions, normals, tangents };
}
