/**
 * Wrinkles of a mien character in three.js: a standard material whose normal map follows weights.
 *
 *   const entry = material.userData.mienDetail; // of the GLB's material `skin`
 *   addWrinkles(material, entry, await loadWrinkleTextures(entry, "ada/"));
 *   setWrinkles(material, weights); // every frame: R numbers, -1 compressed to +1 stretched
 *
 * The GLB brings the static normal map on the second set of texture coordinates (uv1); the maps of
 * compression and stretch, and the masks of the regions, come from the package's folder detail/.
 */

import * as THREE from "three";

const MOST_REGIONS = 255;

/** material -> its uniforms. Not in userData: that is copied as JSON when a material is cloned. */
const uniformsOf = new WeakMap();

/** Shares of both dynamic maps, and the blended normal; COUNT tiles of three regions each. */
const PARS = /* glsl */ `
#ifdef USE_NORMALMAP_TANGENTSPACE
uniform sampler2D mienCompressed;
uniform sampler2D mienStretched;
uniform sampler2D mienMasks;
uniform vec3 mienTiles; // columns, rows, texels of a tile's side
uniform vec3 mienWeights[ MIEN_TILES ]; // region r is component r % 3 of vector r / 3

// How much of the compressed (x) and of the stretched map (y) shows at a place of the atlas.
vec2 mienShares( const in vec2 place ) {
	// Half a texel inside the tile, so that its neighbours do not bleed in.
	vec2 texel = clamp( place * mienTiles.z, vec2( 0.5 ), vec2( mienTiles.z - 0.5 ) );
	vec2 shares = vec2( 0.0 );
	for ( int tile = 0; tile < MIEN_TILES; tile ++ ) {
		float row = floor( ( float( tile ) + 0.5 ) / mienTiles.x );
		float column = float( tile ) - row * mienTiles.x;
		vec2 at = ( vec2( column, row ) * mienTiles.z + texel ) / ( mienTiles.xy * mienTiles.z );
		vec3 mask = texture2D( mienMasks, at ).rgb;
		shares.x += dot( mask, max( - mienWeights[ tile ], vec3( 0.0 ) ) );
		shares.y += dot( mask, max( mienWeights[ tile ], vec3( 0.0 ) ) );
	}
	return shares;
}

// Minus the slopes of the height that a normal map was made of.
vec2 mienLean( in sampler2D map, const in vec2 place ) {
	vec3 n = texture2D( map, place ).xyz * 2.0 - 1.0;
	return n.xy / max( n.z, 0.01 );
}
#endif
`;

/** In place of three's own chunk. normalScale holds the intensity, and the sign of green. */
const MAPS = /* glsl */ `
#ifdef USE_NORMALMAP_TANGENTSPACE
	vec2 mienShare = mienShares( vNormalMapUv );
	vec2 mienLeaning = mienLean( normalMap, vNormalMapUv )
		+ mienShare.x * mienLean( mienCompressed, vNormalMapUv )
		+ mienShare.y * mienLean( mienStretched, vNormalMapUv );
	normal = normalize( tbn * vec3( normalScale * mienLeaning, 1.0 ) );
#else
	#include <normal_fragment_maps>
#endif
`;

/**
 * Patch a MeshStandardMaterial or MeshPhysicalMaterial.
 *
 * entry: `extras.mienDetail` of the GLB's material. textures: `{compressed, stretched, masks}`, and
 * `static` for a material that has no normal map of its own. Weights start at 0. A clone of the
 * material is not patched: call this for it as well.
 */
export function addWrinkles(material, entry, textures) {
  checkEntry(entry);
  for (const name of ["compressed", "stretched", "masks"]) {
    if (!textures[name]?.isTexture) throw new TypeError(`textures.${name} is no texture`);
  }
  if (!material.isMeshStandardMaterial) {
    throw new TypeError(`${material.type}: expected a MeshStandardMaterial or MeshPhysicalMaterial`);
  }
  if (textures.static) {
    if (!material.normalMap) {
      // v points down the image, so that three's frame from derivatives has green down.
      material.normalScale.set(entry.intensity, -entry.intensity);
    }
    material.normalMap = textures.static;
  }
  if (!material.normalMap) throw new TypeError("the material has no normal map, textures.static neither");
  material.normalMap.channel = entry.texcoord;

  const { columns, rows, size } = entry.masks;
  const tiles = Math.ceil(entry.regions.length / 3);
  const uniforms = {
    mienCompressed: { value: textures.compressed },
    mienStretched: { value: textures.stretched },
    mienMasks: { value: textures.masks },
    mienTiles: { value: new THREE.Vector3(columns, rows, size) },
    mienWeights: { value: Array.from({ length: tiles }, () => new THREE.Vector3()) },
  };
  uniformsOf.set(material, { uniforms, regions: entry.regions.length });

  const before = material.onBeforeCompile;
  const keyBefore = material.customProgramCacheKey;
  material.onBeforeCompile = function (shader, renderer) {
    before.call(this, shader, renderer);
    Object.assign(shader.uniforms, uniforms);
    const pars = `\n#define MIEN_TILES ${tiles}\n${PARS}`;
    shader.fragmentShader = replaced(shader.fragmentShader, "normalmap_pars_fragment", (chunk) => chunk + pars);
    shader.fragmentShader = replaced(shader.fragmentShader, "normal_fragment_maps", () => MAPS);
  };
  material.customProgramCacheKey = function () {
    return `${keyBefore.call(this)} mien wrinkles ${tiles}`;
  };
  material.needsUpdate = true;
}

/** Show R weights, as `Frame.detail` has them or detail.onnx gives them, from the next frame on. */
export function setWrinkles(material, weights) {
  const known = uniformsOf.get(material);
  if (!known) throw new Error(`material ${material.name}: call addWrinkles first`);
  if (weights.length !== known.regions) {
    throw new RangeError(`${weights.length} weights, expected ${known.regions}`);
  }
  for (let r = 0; r < known.regions; r++) {
    if (!Number.isFinite(weights[r])) throw new RangeError(`weight ${r} is ${weights[r]}`);
  }
  const vectors = known.uniforms.mienWeights.value;
  for (let r = 0; r < known.regions; r++) vectors[Math.floor(r / 3)].setComponent(r % 3, weights[r]);
}

/**
 * The textures for `addWrinkles` from an unzipped package: folder is its address, with a slash at
 * the end; size, if given, the most texels a side (a smaller map is taken if there is one).
 */
export async function loadWrinkleTextures(entry, folder, size = Infinity, withStatic = false) {
  checkEntry(entry);
  const loader = new THREE.TextureLoader();
  const load = async (file, mipmaps) => {
    const texture = await loader.loadAsync(folder + file);
    texture.flipY = false; // row 0 of the image is v = 0, as in glTF
    texture.colorSpace = THREE.NoColorSpace; // directions and shares are no colours
    texture.channel = entry.texcoord;
    texture.generateMipmaps = mipmaps; // the masks' tiles would run into each other
    texture.minFilter = mipmaps ? THREE.LinearMipmapLinearFilter : THREE.LinearFilter;
    texture.needsUpdate = true;
    return texture;
  };
  const parts = withStatic ? ["static", "compressed", "stretched"] : ["compressed", "stretched"];
  const [masks, ...maps] = await Promise.all([
    load(entry.masks.file, false),
    ...parts.map((part) => load(findMap(entry, part, "normal", size).file, true)),
  ]);
  return { masks, ...Object.fromEntries(parts.map((part, k) => [part, maps[k]])) };
}

/** The map of a part and kind: the largest of at most `size` texels a side, or else the smallest. */
export function findMap(entry, part, kind, size = Infinity) {
  const fitting = entry.maps.filter((map) => map.part === part && map.kind === kind);
  if (!fitting.length) throw new Error(`the character has no ${kind} map of ${part}`);
  fitting.sort((a, b) => a.size - b.size);
  return fitting.filter((map) => map.size <= size).at(-1) ?? fitting[0];
}

function checkEntry(entry) {
  if (entry?.version !== undefined && entry.version !== 1) {
    throw new Error(`mienDetail has version ${entry.version}, expected 1`);
  }
  const count = entry?.regions?.length ?? 0;
  if (count < 1 || count > MOST_REGIONS || 3 * entry.masks.columns * entry.masks.rows < count) {
    throw new Error("no extras.mienDetail of a mien character");
  }
}

function replaced(shader, chunk, make) {
  const include = `#include <${chunk}>`;
  if (!shader.includes(include)) throw new Error(`this three.js has no ${include} in its material`);
  return shader.replace(include, () => make(include));
}
