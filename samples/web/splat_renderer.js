/**
 * Draws an avatar with WebGL 2, by itself: no library.
 *
 *   const renderer = new SplatRenderer(canvas.getContext("webgl2", { alpha: true }), model);
 *   renderer.pose(positions, amounts);  // every frame: cornersOf, then all Gaussians on the GPU
 *   renderer.draw(camera);              // sorted, back to front
 *
 * A camera is { cameraFromRig (16 numbers, row by row), fx, fy, cx, cy, width, height }: OpenCV's
 * pinhole, x right, y down, z forward, pixels; pixel centres lie at +0.5. Colours are display codes and
 * are blended as such. What is drawn is no photograph: say so beside it.
 */

import { FORMULA } from "./splat_formula.js";
import { cornersOf } from "./splat_model.js";

const WIDE = 1024;
const OUTPUTS = ["oMean", "oAxis0", "oAxis1", "oAxis2", "oColour"];
/** Floats of a Gaussian: mean 3, opacity 1, three axes of 3, colour 3. */
export const FLOATS = 16;
const MOST_MAPS = 64;

const POSE = /* glsl */ `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp isampler2D;
precision highp usampler2D;
layout( location = 0 ) in uint gaussian;
uniform sampler2D positions;
uniform sampler2D normals;
uniform sampler2D tangents;
uniform sampler2D gaussians; // 5 texels: anchor, lift, spacing, opacity; place; turn; size; colour
uniform usampler2D corners;  // 2 texels of an anchor: vertices of the mesh; of the atlas
uniform sampler2D barys;
uniform isampler2D maps;     // 4 texels of a map and an anchor
uniform sampler2D steps;     // 4 texels of a map
uniform float amounts[ ${MOST_MAPS} ];
uniform int mapCount;
uniform int anchorCount;
out vec4 oMean;
out vec3 oAxis0;
out vec3 oAxis1;
out vec3 oAxis2;
out vec3 oColour;
${FORMULA}
ivec2 at( int index ) {
	return ivec2( index % ${WIDE}, index / ${WIDE} );
}
void main() {
	int g = 5 * int( gaussian );
	vec4 own = texelFetch( gaussians, at( g ), 0 );
	int anchor = int( own.x + 0.5 );
	vec4 change[ 4 ];
	for ( int part = 0; part < 4; part ++ ) change[ part ] = vec4( 0.0 );
	for ( int k = 0; k < mapCount; k ++ ) {
		for ( int part = 0; part < 4; part ++ ) {
			vec4 code = vec4( texelFetch( maps, at( ( k * anchorCount + anchor ) * 4 + part ), 0 ) );
			change[ part ] += amounts[ k ] * texelFetch( steps, at( 4 * k + part ), 0 ) * code;
		}
	}
	// What lies on the skin changes in everything, what is lifted off it in its colour alone.
	bool lifted = own.y > 0.0;
	vec3 place = texelFetch( gaussians, at( g + 1 ), 0 ).xyz;
	vec3 turn = texelFetch( gaussians, at( g + 2 ), 0 ).xyz;
	vec3 size = texelFetch( gaussians, at( g + 3 ), 0 ).xyz;
	vec3 colour = texelFetch( gaussians, at( g + 4 ), 0 ).xyz;
	if ( lifted ) {
		colour += change[ 3 ].yzw;
	} else {
		place += change[ 0 ].xyz;
		turn += vec3( change[ 0 ].w, change[ 1 ].xy );
		size += vec3( change[ 1 ].zw, change[ 2 ].x );
		own.w += change[ 2 ].y;
		colour += vec3( change[ 2 ].zw, change[ 3 ].x );
	}
	ivec3 v = ivec3( texelFetch( corners, at( 2 * anchor ), 0 ).xyz );
	ivec3 a = ivec3( texelFetch( corners, at( 2 * anchor + 1 ), 0 ).xyz );
	MienAnchor pose = mienAnchor(
		texelFetch( positions, at( v.x ), 0 ).xyz, texelFetch( positions, at( v.y ), 0 ).xyz,
		texelFetch( positions, at( v.z ), 0 ).xyz, texelFetch( normals, at( v.x ), 0 ),
		texelFetch( normals, at( v.y ), 0 ), texelFetch( normals, at( v.z ), 0 ),
		texelFetch( tangents, at( a.x ), 0 ).xyz, texelFetch( tangents, at( a.y ), 0 ).xyz,
		texelFetch( tangents, at( a.z ), 0 ).xyz, texelFetch( barys, at( anchor ), 0 ).xyz );
	MienSplat s = mienSplat( pose, place, turn, size, own.w, colour, own.y, own.z );
	oMean = vec4( s.mean, s.opacity );
	oAxis0 = s.axis0;
	oAxis1 = s.axis1;
	oAxis2 = s.axis2;
	oColour = s.colour;
	gl_Position = vec4( 0.0 );
}`;

const NOTHING = /* glsl */ `#version 300 es
precision highp float;
out vec4 none;
void main() { none = vec4( 0.0 ); }`;

const DRAW = /* glsl */ `#version 300 es
precision highp float;
layout( location = 0 ) in vec4 mean;
layout( location = 1 ) in vec3 axis0;
layout( location = 2 ) in vec3 axis1;
layout( location = 3 ) in vec3 axis2;
layout( location = 4 ) in vec3 colour;
uniform mat4 cameraFromRig;
uniform vec4 lens; // fx, fy, cx, cy
uniform vec2 size;
out vec2 off;       // pixels from the middle
out vec4 paint;
flat out vec3 form; // A, k, h: exponent -(A (x - k y)^2 + h y^2) / 2
void main() {
	vec3 p = ( cameraFromRig * vec4( mean.xyz, 1.0 ) ).xyz;
	gl_Position = vec4( 0.0, 0.0, 2.0, 1.0 );
	float reach2 = 2.0 * log( 255.0 * mean.w );
	if ( p.z <= 0.01 || ! ( reach2 > 0.0 ) ) return;
	mat3 turn = transpose( mat3( cameraFromRig ) ); // rows
	vec2 low = ( - 0.15 * size - lens.zw ) / lens.xy, high = ( 1.15 * size - lens.zw ) / lens.xy;
	vec2 slope = clamp( p.xy / p.z, low, high );
	vec3 n0 = lens.x / p.z * ( turn[ 0 ] - slope.x * turn[ 2 ] );
	vec3 n1 = lens.y / p.z * ( turn[ 1 ] - slope.y * turn[ 2 ] );
	vec3 m0 = vec3( dot( n0, axis0 ), dot( n0, axis1 ), dot( n0, axis2 ) );
	vec3 m1 = vec3( dot( n1, axis0 ), dot( n1, axis1 ), dot( n1, axis2 ) );
	const float BLUR = 0.3;
	float xx = dot( m0, m0 ), yy = dot( m1, m1 ), cxy = dot( m0, m1 );
	vec3 area = cross( m0, m1 );
	float det = dot( area, area ) + BLUR * ( xx + yy ) + BLUR * BLUR;
	float cxx = xx + BLUR, cyy = yy + BLUR;
	form = vec3( cyy / det, cxy / cyy, 1.0 / cyy );
	vec2 corner = vec2( float( gl_VertexID & 1 ), float( gl_VertexID >> 1 ) ) * 2.0 - 1.0;
	off = corner * sqrt( reach2 * vec2( cxx, cyy ) );
	vec2 pixel = lens.xy * p.xy / p.z + lens.zw + off;
	paint = vec4( colour, mean.w );
	gl_Position = vec4( 2.0 * pixel.x / size.x - 1.0, 1.0 - 2.0 * pixel.y / size.y, 0.0, 1.0 );
}`;

const PAINT = /* glsl */ `#version 300 es
precision highp float;
in vec2 off;
in vec4 paint;
flat in vec3 form;
out vec4 light;
void main() {
	float t = off.x - form.y * off.y;
	float alpha = min( 0.99, paint.a * exp( - 0.5 * ( form.x * t * t + form.z * off.y * off.y ) ) );
	if ( alpha < 1.0 / 255.0 ) discard;
	light = vec4( alpha * paint.rgb, alpha );
}`;

export class SplatRenderer {
  constructor(gl, model) {
    if (!(gl instanceof WebGL2RenderingContext)) throw new Error("splats need WebGL 2");
    if (model.coefficients.length > MOST_MAPS) throw new Error(`more than ${MOST_MAPS} maps`);
    Object.assign(this, { gl, model });
    this.poser = program(gl, POSE, NOTHING, OUTPUTS);
    this.drawer = program(gl, DRAW, PAINT);
    const { count, anchors } = model, g = model.gaussians;
    const own = new Float32Array(20 * count);
    const corners = new Uint32Array(8 * anchors), barys = new Float32Array(4 * anchors);
    for (let i = 0; i < count; i++) {
      own.set([g._ANCHOR[i], g._LIFT_M[i], g._SPACING_M[i], g._OPACITY_LOGIT[i]], 20 * i);
      ["_PLACE", "_TURN", "_SIZE_LOG", "_COLOUR_LOGIT"].forEach((name, k) => {
        own.set(g[name].subarray(3 * i, 3 * i + 3), 20 * i + 4 * (k + 1));
      });
    }
    for (let n = 0; n < anchors; n++) {
      const triangle = model.triangles.subarray(3 * model.triangle[n], 3 * model.triangle[n] + 3);
      triangle.forEach((corner, i) => {
        corners[8 * n + i] = model.source[corner];
        corners[8 * n + 4 + i] = corner;
        barys[4 * n + i] = model.bary[3 * n + i];
      });
    }
    this.textures = {
      gaussians: texture(gl, own), corners: texture(gl, corners), barys: texture(gl, barys),
      maps: texture(gl, model.maps), steps: texture(gl, model.mapSteps),
    };
    this.order = Uint32Array.from({ length: count }, (_, i) => i);
    this.indices = gl.createBuffer();
    this.results = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.results);
    gl.bufferData(gl.ARRAY_BUFFER, 4 * FLOATS * count, gl.DYNAMIC_COPY);
    this.feedback = gl.createTransformFeedback();
    this.indexed = gl.createVertexArray();
    gl.bindVertexArray(this.indexed);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.indices);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribIPointer(0, 1, gl.UNSIGNED_INT, 0, 0);
    this.instanced = gl.createVertexArray();
    gl.bindVertexArray(this.instanced);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.results);
    [[0, 4, 0], [1, 3, 4], [2, 3, 7], [3, 3, 10], [4, 3, 13]].forEach(([location, width, offset]) => {
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, width, gl.FLOAT, false, 4 * FLOATS, 4 * offset);
      gl.vertexAttribDivisor(location, 1);
    });
    gl.bindVertexArray(null);
  }

  /** Moves all Gaussians: positions (3 V) of the mesh, metres, and the amounts of the maps. */
  pose(positions, amounts) {
    const { gl, model } = this;
    const corners = cornersOf(model, positions);
    for (const name of ["positions", "normals", "tangents"]) {
      this.textures[name] = texture(gl, corners[name], this.textures[name]);
    }
    this.amounts = Float32Array.from(amounts);
    if (this.amounts.length !== model.coefficients.length) {
      throw new Error(`${this.amounts.length} amounts, expected ${model.coefficients.length}`);
    }
    this.#run(Uint32Array.from({ length: model.count }, (_, i) => i));
    this.posed = this.attributes();
  }

  /** FLOATS numbers of each Gaussian, in the order in which they were last run. */
  attributes() {
    const { gl } = this, values = new Float32Array(FLOATS * this.model.count);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.results);
    gl.getBufferSubData(gl.ARRAY_BUFFER, 0, values);
    gl.bindBuffer(gl.ARRAY_BUFFER, null);
    return values;
  }

  /** Draws over what is there, which the caller has cleared. */
  draw(camera) {
    const { gl } = this;
    this.#run(farthestFirst(this.posed, camera.cameraFromRig));
    gl.useProgram(this.drawer);
    gl.viewport(0, 0, camera.width, camera.height);
    const at = (name) => gl.getUniformLocation(this.drawer, name);
    gl.uniformMatrix4fv(at("cameraFromRig"), true, camera.cameraFromRig);
    gl.uniform4f(at("lens"), camera.fx, camera.fy, camera.cx, camera.cy);
    gl.uniform2f(at("size"), camera.width, camera.height);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.CULL_FACE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindVertexArray(this.instanced);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.model.count);
    gl.bindVertexArray(null);
  }

  #run(order) {
    const { gl, model } = this;
    gl.useProgram(this.poser);
    const at = (name) => gl.getUniformLocation(this.poser, name);
    Object.entries(this.textures).forEach(([name, held], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, held);
      gl.uniform1i(at(name), unit);
    });
    gl.uniform1fv(at("amounts"), this.amounts);
    gl.uniform1i(at("mapCount"), this.amounts.length);
    gl.uniform1i(at("anchorCount"), model.anchors);
    gl.bindVertexArray(this.indexed);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.indices);
    gl.bufferData(gl.ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, null);
    gl.bindTransformFeedback(gl.TRANSFORM_FEEDBACK, this.feedback);
    gl.bindBufferBase(gl.TRANSFORM_FEEDBACK_BUFFER, 0, this.results);
    gl.enable(gl.RASTERIZER_DISCARD);
    gl.beginTransformFeedback(gl.POINTS);
    gl.drawArrays(gl.POINTS, 0, model.count);
    gl.endTransformFeedback();
    gl.disable(gl.RASTERIZER_DISCARD);
    gl.bindBufferBase(gl.TRANSFORM_FEEDBACK_BUFFER, 0, null);
    gl.bindTransformFeedback(gl.TRANSFORM_FEEDBACK, null);
    gl.bindVertexArray(null);
  }
}

/** Indices by depth before the camera, the farthest first: a counting sort in 65536 steps. */
function farthestFirst(posed, cameraFromRig) {
  const count = posed.length / FLOATS, [a, b, c, d] = Array.from(cameraFromRig).slice(8, 12);
  const depth = new Float32Array(count);
  let near = Infinity, far = -Infinity;
  for (let i = 0; i < count; i++) {
    const at = FLOATS * i;
    depth[i] = a * posed[at] + b * posed[at + 1] + c * posed[at + 2] + d;
    near = Math.min(near, depth[i]);
    far = Math.max(far, depth[i]);
  }
  const scale = 65535 / Math.max(far - near, 1e-9), starts = new Uint32Array(65537);
  const bin = (i) => ((far - depth[i]) * scale) | 0;
  for (let i = 0; i < count; i++) starts[bin(i) + 1]++;
  for (let k = 1; k < starts.length; k++) starts[k] += starts[k - 1];
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[starts[bin(i)]++] = i;
  return order;
}

function program(gl, vertex, fragment, outputs) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  if (outputs) gl.transformFeedbackVaryings(made, outputs, gl.INTERLEAVED_ATTRIBS);
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  return made;
}

/** A texture of WIDE texels in a row that holds an array, four numbers to a texel; `again` is reused. */
function texture(gl, array, again) {
  const [inside, format, type] = {
    Float32Array: [gl.RGBA32F, gl.RGBA, gl.FLOAT],
    Uint32Array: [gl.RGBA32UI, gl.RGBA_INTEGER, gl.UNSIGNED_INT],
    Int8Array: [gl.RGBA8I, gl.RGBA_INTEGER, gl.BYTE],
  }[array.constructor.name];
  const rows = Math.ceil(array.length / (4 * WIDE));
  const whole = new array.constructor(4 * WIDE * rows);
  whole.set(array);
  const made = again ?? gl.createTexture();
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, made);
  if (again) {
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, WIDE, rows, format, type, whole);
    return made;
  }
  gl.texStorage2D(gl.TEXTURE_2D, 1, inside, WIDE, rows);
  gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, WIDE, rows, format, type, whole);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  return made;
}
