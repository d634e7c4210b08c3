"""Warp kernels: z-buffer visibility (CPU and CUDA) and the fused forward shading of heads.

On the CPU a launch runs in the calling thread alone; run one process per core. The first use in a
fresh installation compiles for some seconds, after that Warp's disk cache serves.
"""

# Warp reads the annotations of kernels at run time (no postponed evaluation here), they are calls
# that mypy cannot take, and a variable that a loop changes must be made by float() or int().
# mypy: ignore-errors
# ruff: noqa: RUF046, UP018

import warp as wp

import mien_training.geometry.warp_start  # noqa: F401

__all__ = [
    "EMPTY_KEY",
    "ambient_occlusion_kernel",
    "compose_kernel",
    "face_normals_kernel",
    "normalise_kernel",
    "raster_kernel",
    "shade_kernel",
]


NEAR = wp.constant(1 << 24)
"""Depth steps (of 2^31 over the head's own depth) within which samples are one surface: 0.8 %."""

EMPTY_KEY = 0xFFFFFFFFFFFFFFFF
"""What a z-buffer cell holds where no triangle was seen."""


@wp.func
def edge(a: wp.vec3, b: wp.vec3, x: float, y: float) -> float:
    """Twice the signed area of (a, b, (x, y)); exactly opposite for the reversed edge."""
    return (a[0] - x) * (b[1] - y) - (a[1] - y) * (b[0] - x)


@wp.kernel
def raster_kernel(
    points: wp.array2d(dtype=wp.vec3),
    faces: wp.array(dtype=wp.vec3i),
    cull: int,
    origin_x: int,
    origin_y: int,
    keys: wp.array3d(dtype=wp.uint64),
):
    """Nearest triangle per pixel: (depth << 32 | face) by atomic minimum.

    `points` (B, V): pixel x, pixel y, depth in 0..1 linear over the screen; a negative depth marks
    a vertex without an image, whose triangles are dropped. `keys` (B, h, w) covers the pixels
    from (origin_x, origin_y) on. `cull` != 0 drops triangles that are clockwise in a y-up image.
    """
    view, face = wp.tid()
    f = faces[face]
    a = points[view, f[0]]
    b = points[view, f[1]]
    c = points[view, f[2]]
    if a[2] < 0.0 or b[2] < 0.0 or c[2] < 0.0:
        return
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if area == 0.0 or (cull != 0 and area > 0.0):
        return
    sign = 1.0
    if area < 0.0:
        sign = -1.0
    height = keys.shape[1]
    width = keys.shape[2]
    left = wp.max(int(wp.ceil(wp.min(a[0], wp.min(b[0], c[0])) - 0.5)) - origin_x, 0)
    right = wp.min(int(wp.floor(wp.max(a[0], wp.max(b[0], c[0])) - 0.5)) - origin_x, width - 1)
    top = wp.max(int(wp.ceil(wp.min(a[1], wp.min(b[1], c[1])) - 0.5)) - origin_y, 0)
    bottom = wp.min(int(wp.floor(wp.max(a[1], wp.max(b[1], c[1])) - 0.5)) - origin_y, height - 1)
    inverse = 1.0 / wp.abs(area)
    # Rounding may leave a sample between two triangles that share an edge; a hair of overlap
    # costs nothing, since the nearer one wins anyway.
    slack = -1.0e-5
    for row in range(top, bottom + 1):
        y = float(row + origin_y) + 0.5
        for column in range(left, right + 1):
            x = float(column + origin_x) + 0.5
            e0 = sign * edge(b, c, x, y)
            e1 = sign * edge(c, a, x, y)
            e2 = sign * edge(a, b, x, y)
            if e0 >= slack and e1 >= slack and e2 >= slack:
                depth = (e0 * a[2] + e1 * b[2] + e2 * c[2]) * inverse
                quantised = wp.uint64(
                    wp.clamp(wp.float64(depth), wp.float64(0.0), wp.float64(1.0))
                    * wp.float64(4294967294.0)
                )
                key = (quantised << wp.uint64(32)) | wp.uint64(face)
                wp.atomic_min(keys, view, row, column, key)


@wp.kernel
def face_normals_kernel(
    vertices: wp.array(dtype=wp.vec3),
    faces: wp.array(dtype=wp.vec3i),
    welded: wp.array(dtype=int),
    normals: wp.array(dtype=wp.vec3),
):
    """Adds every triangle's area vector to its (welded) corners; `normals` starts at zero."""
    f = faces[wp.tid()]
    a = vertices[f[0]]
    n = wp.cross(vertices[f[1]] - a, vertices[f[2]] - a)
    wp.atomic_add(normals, welded[f[0]], n)
    wp.atomic_add(normals, welded[f[1]], n)
    wp.atomic_add(normals, welded[f[2]], n)


@wp.kernel
def normalise_kernel(
    sums: wp.array(dtype=wp.vec3), welded: wp.array(dtype=int), normals: wp.array(dtype=wp.vec3)
):
    """Unit normals from the sums of `face_normals_kernel`."""
    i = wp.tid()
    normals[i] = wp.normalize(sums[welded[i]])


@wp.func
def texel(
    texels: wp.array(dtype=wp.vec3), offset: int, size_x: int, size_y: int, u: float, v: float
) -> wp.vec3:
    """Bilinear read of one mip level, clamped at the border; texel centres at +0.5."""
    x = wp.clamp(u * float(size_x) - 0.5, 0.0, float(size_x - 1))
    y = wp.clamp(v * float(size_y) - 0.5, 0.0, float(size_y - 1))
    x0 = int(x)
    y0 = int(y)
    x1 = wp.min(x0 + 1, size_x - 1)
    y1 = wp.min(y0 + 1, size_y - 1)
    fx = x - float(x0)
    fy = y - float(y0)
    upper = (1.0 - fx) * texels[offset + y0 * size_x + x0] + fx * texels[offset + y0 * size_x + x1]
    lower = (1.0 - fx) * texels[offset + y1 * size_x + x0] + fx * texels[offset + y1 * size_x + x1]
    return (1.0 - fy) * upper + fy * lower


@wp.func
def wrapped(ndl: float, wrap: float) -> float:
    """Diffuse term of `shading.wrapped_diffuse`."""
    x = (ndl + wrap) / (1.0 + wrap)
    soft = 0.5 * wrap
    return 0.5 * (x + wp.sqrt(x * x + soft * soft))


@wp.struct
class Relief:
    """Heights of one material's skin on the face atlas: `relief.relief_normals`."""

    material: int
    """-1: none."""
    places: wp.array(dtype=wp.vec2)
    """(V,) on the atlas; outside 0..1 where there is none."""
    gradients: wp.array(dtype=wp.vec3)
    """(2 V,) of u and v along the surface, per metre."""
    texels: wp.array(dtype=wp.vec3)
    """Levels of slopes along u and v and of the sky's share."""
    mips: wp.array(dtype=wp.vec3i)


@wp.func
def relief_at(relief: Relief, f: wp.vec3i, w: wp.vec3, area_pixels: float) -> wp.vec4:
    """Gradient of the height along the surface, and the share of the sky, at one place."""
    t0 = relief.places[f[0]]
    t1 = relief.places[f[1]]
    t2 = relief.places[f[2]]
    place = w[0] * t0 + w[1] * t1 + w[2] * t2
    side = float(relief.mips[0][1])
    area = wp.abs((t1[0] - t0[0]) * (t2[1] - t0[1]) - (t1[1] - t0[1]) * (t2[0] - t0[0]))
    ratio = area * side * side / wp.max(area_pixels, 1.0e-6)
    top_level = relief.mips.shape[0] - 1
    lod = wp.clamp(0.5 * wp.log2(wp.max(ratio, 1.0e-6)), 0.0, float(top_level))
    level = int(lod)
    table = relief.mips[level]
    value = texel(relief.texels, table[0], table[1], table[2], place[0], place[1])
    if level < top_level:
        table = relief.mips[level + 1]
        coarse = texel(relief.texels, table[0], table[1], table[2], place[0], place[1])
        value = value + (lod - float(level)) * (coarse - value)
    along_u = w[0] * relief.gradients[2 * f[0]] + w[1] * relief.gradients[2 * f[1]]
    along_u = along_u + w[2] * relief.gradients[2 * f[2]]
    along_v = w[0] * relief.gradients[2 * f[0] + 1] + w[1] * relief.gradients[2 * f[1] + 1]
    along_v = along_v + w[2] * relief.gradients[2 * f[2] + 1]
    slope = value[0] * along_u + value[1] * along_v
    return wp.vec4(slope[0], slope[1], slope[2], value[2])


@wp.kernel
def shade_kernel(
    keys: wp.array2d(dtype=wp.uint64),
    samples: int,
    origin_x: int,
    origin_y: int,
    points: wp.array(dtype=wp.vec3),
    vertices: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    occlusion: wp.array(dtype=float),
    uvs: wp.array(dtype=wp.vec2),
    faces: wp.array(dtype=wp.vec3i),
    face_material: wp.array(dtype=int),
    texels: wp.array(dtype=wp.vec3),
    mip_table: wp.array2d(dtype=wp.vec3i),
    mip_counts: wp.array(dtype=int),
    surface: wp.array(dtype=wp.vec4),
    wraps: wp.array(dtype=wp.vec3),
    light_directions: wp.array(dtype=wp.vec3),
    light_colours: wp.array(dtype=wp.vec3),
    ambient_up: wp.vec3,
    ambient_down: wp.vec3,
    camera_centre: wp.vec3,
    relief: Relief,
    image: wp.array2d(dtype=wp.vec4),
):
    """Premultiplied linear RGB and coverage per pixel, from samples x samples z-buffer cells.

    Inside one pixel a surface is shaded once (multisampling): samples of one material and nearly
    one depth share a colour, so only true edges cost more. Textures have mip levels.
    `points` are as in `raster_kernel` but carry 1/depth in the third place.
    """
    row, column = wp.tid()
    total = wp.vec3(0.0, 0.0, 0.0)
    covered = float(0.0)
    last = int(-1)
    last_material = int(-1)
    last_depth = int(0)
    colour = wp.vec3(0.0, 0.0, 0.0)
    for s in range(samples * samples):
        sy = row * samples + s // samples
        sx = column * samples + s % samples
        key = keys[sy, sx]
        face = int(key & wp.uint64(0xFFFFFFFF))
        if face == -1:
            continue
        depth = int(key >> wp.uint64(33))
        same_surface = face_material[face] == last_material and wp.abs(depth - last_depth) < NEAR
        if face != last and not same_surface:
            last = face
            last_material = face_material[face]
            last_depth = depth
            f = faces[face]
            a = points[f[0]]
            b = points[f[1]]
            c = points[f[2]]
            x = float(sx + origin_x) + 0.5
            y = float(sy + origin_y) + 0.5
            # Perspective-correct weights: screen-space ones times 1/depth, renormalised.
            w0 = edge(b, c, x, y) * a[2]
            w1 = edge(c, a, x, y) * b[2]
            w2 = edge(a, b, x, y) * c[2]
            inverse = 1.0 / (w0 + w1 + w2)
            w0 = w0 * inverse
            w1 = w1 * inverse
            w2 = w2 * inverse
            p = w0 * vertices[f[0]] + w1 * vertices[f[1]] + w2 * vertices[f[2]]
            n = wp.normalize(w0 * normals[f[0]] + w1 * normals[f[1]] + w2 * normals[f[2]])
            ambient_occlusion = w0 * occlusion[f[0]] + w1 * occlusion[f[1]] + w2 * occlusion[f[2]]
            t0 = uvs[f[0]]
            t1 = uvs[f[1]]
            t2 = uvs[f[2]]
            uv = w0 * t0 + w1 * t1 + w2 * t2

            m = face_material[face]
            level0 = mip_table[m, 0]
            area_pixels = wp.abs(edge(a, b, c[0], c[1])) / float(samples * samples)
            area_uv = wp.abs((t1[0] - t0[0]) * (t2[1] - t0[1]) - (t1[1] - t0[1]) * (t2[0] - t0[0]))
            ratio = area_uv * float(level0[1] * level0[2]) / wp.max(area_pixels, 1.0e-6)
            top_level = mip_counts[m] - 1
            lod = wp.clamp(0.5 * wp.log2(wp.max(ratio, 1.0e-6)), 0.0, float(top_level))
            level = int(lod)
            table = mip_table[m, level]
            albedo = texel(texels, table[0], table[1], table[2], uv[0], uv[1])
            if level < top_level:
                table = mip_table[m, level + 1]
                coarse = texel(texels, table[0], table[1], table[2], uv[0], uv[1])
                albedo = albedo + (lod - float(level)) * (coarse - albedo)

            if m == relief.material:
                sunk = relief_at(relief, f, wp.vec3(w0, w1, w2), area_pixels)
                n = wp.normalize(n - wp.vec3(sunk[0], sunk[1], sunk[2]))
                ambient_occlusion = ambient_occlusion * sunk[3]

            view = wp.normalize(camera_centre - p)
            wrap = wraps[m]
            lobe = surface[m]
            up = 0.5 + 0.5 * n[1]
            diffuse = ambient_occlusion * (up * ambient_up + (1.0 - up) * ambient_down)
            gloss = wp.vec3(0.0, 0.0, 0.0)
            for i in range(light_directions.shape[0]):
                light = light_directions[i]
                ndl = wp.dot(n, light)
                lit = wp.vec3(wrapped(ndl, wrap[0]), wrapped(ndl, wrap[1]), wrapped(ndl, wrap[2]))
                shadow = 0.25 + 0.75 * ambient_occlusion
                diffuse = diffuse + shadow * wp.cw_mul(lit, light_colours[i])
                half = wp.normalize(light + view)
                facing = wp.dot(n, half)
                # Below this cosine the lobe is under 1e-5 of its peak.
                if ndl > 0.0 and facing > lobe[3]:
                    grazing = 1.0 - wp.max(wp.dot(half, view), 0.0)
                    grazing2 = grazing * grazing
                    fresnel = lobe[1] + (1.0 - lobe[1]) * grazing2 * grazing2 * grazing
                    strength = fresnel * (lobe[0] + 2.0) * 0.125 * wp.pow(facing, lobe[0]) * ndl
                    gloss = gloss + shadow * strength * light_colours[i]
            colour = wp.cw_mul(albedo, diffuse) + lobe[2] * gloss
        total = total + colour
        covered = covered + 1.0
    scale = 1.0 / float(samples * samples)
    image[row, column] = wp.vec4(
        total[0] * scale, total[1] * scale, total[2] * scale, covered * scale
    )


@wp.kernel
def compose_kernel(
    radiance: wp.array2d(dtype=wp.vec4),
    top: int,
    left: int,
    exposure: float,
    linear_of_srgb: wp.array(dtype=float),
    srgb_of_root: wp.array(dtype=wp.uint8),
    composed: wp.array3d(dtype=wp.uint8),
):
    """Lay `shade_kernel`'s image, times `exposure`, over an 8-bit sRGB image, in linear light.

    `srgb_of_root` is indexed by the square root of light, 0..2. Pixels without coverage keep
    their bytes: the tone curve's shoulder belongs to the head alone.
    """
    row, column = wp.tid()
    light = radiance[row, column]
    if light[3] > 0.0:
        last = float(srgb_of_root.shape[0] - 1)
        for c in range(3):
            behind = linear_of_srgb[int(composed[top + row, left + column, c])]
            value = exposure * light[c] + (1.0 - light[3]) * behind
            step = wp.sqrt(wp.clamp(value, 0.0, 4.0)) * 0.5 * last + 0.5
            composed[top + row, left + column, c] = srgb_of_root[int(step)]


@wp.kernel
def ambient_occlusion_kernel(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    directions: wp.array(dtype=wp.vec3),
    reach: float,
    lift: float,
    ambient_occlusion: wp.array(dtype=float),
):
    """Share of the cosine-weighted hemisphere open within `reach`, near hits counting more."""
    i = wp.tid()
    n = normals[i]
    start = points[i] + lift * n
    seen = float(0.0)
    weight = float(0.0)
    for k in range(directions.shape[0]):
        cosine = wp.dot(directions[k], n)
        if cosine > 0.05:
            hit = wp.mesh_query_ray(mesh, start, directions[k], reach)
            weight += cosine
            if hit.result:
                seen += cosine * wp.pow(hit.t / reach, 2.0)
            else:
                seen += cosine
    ambient_occlusion[i] = seen / wp.max(weight, 1.0e-6)
