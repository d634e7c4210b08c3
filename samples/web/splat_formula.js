/**
 * The anchoring formula of mien's avatars as GLSL ES 3.00: what docs/avatar-format.md says in words.
 *
 * samples/golden/splats.json has input and results for checking a port of it to another language.
 */

export const FORMULA = /* glsl */ `
// Where a texel of the atlas is on the mesh, in the space of the mesh's vertices, metres.
struct MienAnchor {
	vec3 place;
	vec3 right;   // along the atlas's u
	vec3 up;      // upwards on the atlas
	vec3 outward; // out of the skin
	float grown;  // length of the skin there, in its length at rest
};

// A Gaussian there: its covariance is the sum of axis axis^T.
struct MienSplat {
	vec3 mean;
	vec3 axis0;
	vec3 axis1;
	vec3 axis2;
	float opacity;
	vec3 colour; // display codes over 255
};

// Of the three corners of the texel's triangle: positions p; vertices' unit normals n with the root
// of the areas' ratio in w; sums of the tangents t, as long as they are; bary: shares of the corners.
MienAnchor mienAnchor(
	vec3 p0, vec3 p1, vec3 p2, vec4 n0, vec4 n1, vec4 n2, vec3 t0, vec3 t1, vec3 t2, vec3 bary
) {
	MienAnchor a;
	a.place = bary.x * p0 + bary.y * p1 + bary.z * p2;
	vec4 n = bary.x * n0 + bary.y * n1 + bary.z * n2;
	a.outward = normalize( n.xyz );
	a.grown = n.w;
	vec3 t = bary.x * t0 + bary.y * t1 + bary.z * t2;
	a.right = normalize( t - dot( t, a.outward ) * a.outward );
	a.up = cross( a.outward, a.right );
	return a;
}

// Of what a Gaussian has at rest with what its maps add: place and sizeLog in spacings, turn (the
// vector part of a quaternion whose w is 1), opacity and colour before the logistic function; lift
// and spacing in metres at rest.
MienSplat mienSplat(
	MienAnchor a, vec3 place, vec3 turn, vec3 sizeLog, float opacity, vec3 colour, float lift,
	float spacing
) {
	MienSplat s;
	vec3 local = a.grown * vec3( spacing * place.x, spacing * place.y, spacing * place.z + lift );
	s.mean = a.place + local.x * a.right + local.y * a.up + local.z * a.outward;
	vec4 q = vec4( turn, 1.0 ) / sqrt( dot( turn, turn ) + 1.0 );
	vec3 size = a.grown * spacing * exp( clamp( sizeLog, - 5.0, 3.0 ) );
	s.axis0 = size.x * ( ( 1.0 - 2.0 * ( q.y * q.y + q.z * q.z ) ) * a.right
		+ 2.0 * ( q.x * q.y + q.z * q.w ) * a.up + 2.0 * ( q.x * q.z - q.y * q.w ) * a.outward );
	s.axis1 = size.y * ( 2.0 * ( q.x * q.y - q.z * q.w ) * a.right
		+ ( 1.0 - 2.0 * ( q.x * q.x + q.z * q.z ) ) * a.up + 2.0 * ( q.y * q.z + q.x * q.w ) * a.outward );
	s.axis2 = size.z * ( 2.0 * ( q.x * q.z + q.y * q.w ) * a.right
		+ 2.0 * ( q.y * q.z - q.x * q.w ) * a.up + ( 1.0 - 2.0 * ( q.x * q.x + q.y * q.y ) ) * a.outward );
	s.opacity = 1.0 / ( 1.0 + exp( - opacity ) );
	s.colour = 1.0 / ( 1.0 + exp( - colour ) );
	return s;
}
`;
