// Wrinkles of a mien character, for Custom Function nodes of Unity's Shader Graph. See WRINKLES.md.
//
// Weights of the regions, -1 fully compressed to +1 fully stretched, three to a vector: region r is
// component r % 3 of _MienWeights[r / 3]. Set them by Shader.SetGlobalVectorArray, or per material
// by Material.SetVectorArray. Textures are those of the package's folder detail/; UV1 is the mesh's
// second set of texture coordinates, as a glTF importer leaves it in Unity: v points up.

#ifndef MIEN_WRINKLES_INCLUDED
#define MIEN_WRINKLES_INCLUDED

// Vectors that are read: a third of the character's regions, rounded up. 36 regions take 12.
#ifndef MIEN_TILES
#define MIEN_TILES 12
#endif

float4 _MienWeights[MIEN_TILES];

// Where a place of the atlas (v down) lies in one tile of the masks (v up): half a texel inside, so
// that the neighbours do not bleed in. Tiles: columns, rows, texels of a side.
float2 MienTilePlace(float2 place, int tile, float3 Tiles)
{
    float2 texel = clamp(place * Tiles.z, 0.5, Tiles.z - 0.5);
    float row = floor((tile + 0.5) / Tiles.x);
    float column = tile - row * Tiles.x;
    float2 at = (float2(column, row) * Tiles.z + texel) / (Tiles.xy * Tiles.z);
    return float2(at.x, 1.0 - at.y);
}

// x: share of the compressed map, y: of the stretched one.
float2 MienShares(UnityTexture2D Masks, float2 UV1, float3 Tiles)
{
    float2 place = float2(UV1.x, 1.0 - UV1.y);
    float2 shares = 0.0;
    for (int tile = 0; tile < MIEN_TILES; tile++)
    {
        float3 weight = _MienWeights[tile].xyz;
        float2 at = MienTilePlace(place, tile, Tiles);
        float3 mask = SAMPLE_TEXTURE2D_LOD(Masks.tex, Masks.samplerstate, at, 0).rgb;
        shares += float2(dot(mask, max(-weight, 0.0)), dot(mask, max(weight, 0.0)));
    }
    return shares;
}

// Minus the slopes of the height that a normal map was made of.
float2 MienLean(UnityTexture2D Map, float2 UV1)
{
    float3 n = UnpackNormal(SAMPLE_TEXTURE2D(Map.tex, Map.samplerstate, UV1));
    return n.xy / max(n.z, 0.01);
}

// The skin's normal in the tangent space of UV1, green up, and the two shares.
void MienWrinkles_float(
    float2 UV1, UnityTexture2D StaticNormal, UnityTexture2D CompressedNormal,
    UnityTexture2D StretchedNormal, UnityTexture2D Masks, float3 Tiles, float Intensity,
    out float3 NormalTS, out float2 Shares)
{
    Shares = MienShares(Masks, UV1, Tiles);
    float2 lean = MienLean(StaticNormal, UV1) + Shares.x * MienLean(CompressedNormal, UV1)
        + Shares.y * MienLean(StretchedNormal, UV1);
    NormalTS = normalize(float3(Intensity * lean, 1.0));
}

// Height of the skin, metres outwards; in the vertex stage too. Low, High: metres of black and white
// of the static, compressed and stretched displacement map (low_m, high_m).
void MienHeight_float(
    float2 UV1, UnityTexture2D StaticHeight, UnityTexture2D CompressedHeight,
    UnityTexture2D StretchedHeight, UnityTexture2D Masks, float3 Tiles, float Intensity,
    float3 Low, float3 High, out float Height)
{
    float3 grey = float3(
        SAMPLE_TEXTURE2D_LOD(StaticHeight.tex, StaticHeight.samplerstate, UV1, 0).r,
        SAMPLE_TEXTURE2D_LOD(CompressedHeight.tex, CompressedHeight.samplerstate, UV1, 0).r,
        SAMPLE_TEXTURE2D_LOD(StretchedHeight.tex, StretchedHeight.samplerstate, UV1, 0).r);
    float3 metres = lerp(Low, High, grey);
    float2 shares = MienShares(Masks, UV1, Tiles);
    Height = Intensity * (metres.x + shares.x * metres.y + shares.y * metres.z);
}

// NormalTS in the space of Position and Normal (both world, say). The mesh's own tangents belong to
// its first set of texture coordinates and do not fit, so the frame comes from screen derivatives;
// fragment stage only.
void MienNormal_float(
    float3 NormalTS, float2 UV1, float3 Position, float3 Normal, out float3 Out)
{
    float3 n = normalize(Normal);
    float3 px = ddx(Position), py = ddy(Position);
    float2 ux = ddx(UV1), uy = ddy(UV1);
    float turn = ux.x * uy.y - ux.y * uy.x < 0.0 ? -1.0 : 1.0;
    float3 tangent = turn * (px * uy.y - py * ux.y);
    float3 up = turn * (py * ux.x - px * uy.x);
    tangent -= n * dot(n, tangent);
    tangent *= rsqrt(max(dot(tangent, tangent), 1e-30));
    up -= n * dot(n, up) + tangent * dot(tangent, up);
    up *= rsqrt(max(dot(up, up), 1e-30));
    Out = normalize(NormalTS.x * tangent + NormalTS.y * up + NormalTS.z * n);
}

#endif
