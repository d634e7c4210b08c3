// The anchoring formula of mien's avatars, for Unity's shaders and compute shaders. See AVATAR.md.
//
// From here on the same as samples/unreal/MienSplats.ush. Spaces are the mesh's own, metres: what is
// turned to the left-handed space of an engine is turned after it. samples/golden/splats.json has input
// and results for checking.

#ifndef MIEN_SPLATS_INCLUDED
#define MIEN_SPLATS_INCLUDED

// Where a texel of the atlas is on the mesh.
struct MienAnchor
{
    float3 Place;
    float3 Right;   // along the atlas's u
    float3 Up;      // upwards on the atlas
    float3 Outward; // out of the skin
    float Grown;    // length of the skin there, in its length at rest
};

// A Gaussian there: its covariance is the sum of Axis Axis^T.
struct MienSplat
{
    float3 Mean;
    float3 Axis0;
    float3 Axis1;
    float3 Axis2;
    float Opacity;
    float3 Colour; // display codes over 255
};

// Of the three corners of the texel's triangle: positions P; vertices' unit normals N with the root of
// the areas' ratio in w; sums of the tangents T, as long as they are; Bary: shares of the corners.
MienAnchor MienPoseAnchor(
    float3 P0, float3 P1, float3 P2, float4 N0, float4 N1, float4 N2, float3 T0, float3 T1, float3 T2,
    float3 Bary)
{
    MienAnchor A;
    A.Place = Bary.x * P0 + Bary.y * P1 + Bary.z * P2;
    float4 N = Bary.x * N0 + Bary.y * N1 + Bary.z * N2;
    A.Outward = normalize(N.xyz);
    A.Grown = N.w;
    float3 T = Bary.x * T0 + Bary.y * T1 + Bary.z * T2;
    A.Right = normalize(T - dot(T, A.Outward) * A.Outward);
    A.Up = cross(A.Outward, A.Right);
    return A;
}

// Of what a Gaussian has at rest with what its maps add: Place and SizeLog in spacings, Turn (the vector
// part of a quaternion whose w is 1), Opacity and Colour before the logistic function; Lift and Spacing
// in metres at rest.
MienSplat MienPoseSplat(
    MienAnchor A, float3 Place, float3 Turn, float3 SizeLog, float Opacity, float3 Colour, float Lift,
    float Spacing)
{
    MienSplat S;
    float3 Local = A.Grown * float3(Spacing * Place.x, Spacing * Place.y, Spacing * Place.z + Lift);
    S.Mean = A.Place + Local.x * A.Right + Local.y * A.Up + Local.z * A.Outward;
    float4 Q = float4(Turn, 1.0) / sqrt(dot(Turn, Turn) + 1.0);
    float3 Size = A.Grown * Spacing * exp(clamp(SizeLog, -5.0, 3.0));
    S.Axis0 = Size.x * ((1.0 - 2.0 * (Q.y * Q.y + Q.z * Q.z)) * A.Right
        + 2.0 * (Q.x * Q.y + Q.z * Q.w) * A.Up + 2.0 * (Q.x * Q.z - Q.y * Q.w) * A.Outward);
    S.Axis1 = Size.y * (2.0 * (Q.x * Q.y - Q.z * Q.w) * A.Right
        + (1.0 - 2.0 * (Q.x * Q.x + Q.z * Q.z)) * A.Up + 2.0 * (Q.y * Q.z + Q.x * Q.w) * A.Outward);
    S.Axis2 = Size.z * (2.0 * (Q.x * Q.z + Q.y * Q.w) * A.Right
        + 2.0 * (Q.y * Q.z - Q.x * Q.w) * A.Up + (1.0 - 2.0 * (Q.x * Q.x + Q.y * Q.y)) * A.Outward);
    S.Opacity = 1.0 / (1.0 + exp(-Opacity));
    S.Colour = 1.0 / (1.0 + exp(-Colour));
    return S;
}

#endif
