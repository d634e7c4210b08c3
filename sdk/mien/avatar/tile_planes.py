"""C++ within Warp: a tile's state in planes, and ellipses blended into it row by row, on the CPU.

A plane is TILE x TILE numbers, row by row. An ellipse touches whole rows, whose pixels the compiler
then does together; loops written in Warp take two to three times as long, since their form defeats
its vectoriser. Comparisons are written so that it sees selections, not branches.
"""

# mypy: ignore-errors

from mien.avatar.blend_pixel_kernels import NEVER
from mien.avatar.projection_kernels import Ellipse
from mien.avatar.splat_limits import FULL, LARGEST_ALPHA, SMALLEST_ALPHA, TILE
from mien.avatar.warp_start import wp

__all__ = [
    "BACK_PLANES",
    "PLANES",
    "blend_rows",
    "blend_rows_backward",
    "clear",
    "clearest",
    "load",
    "unload",
]

PLANES = wp.constant(5)
"""R, G, B, T, depth."""
BACK_PLANES = wp.constant(7)
"""T, what the pairs behind add to the loss, gradients by R, G, B, coverage, depth."""
AREA = TILE * TILE

_ALPHA = f"""
            // exp(x) = 2^n 2^f for x <= 0, n by its bits, f in -0.5..0.5 (Cephes' exp2f): 4e-7.
            const float s = (float)i - middle;
            float p2 = -0.72134752f * (e[2] * s * s + fall);
            p2 = p2 < -100.0f ? -100.0f : p2;
            const int n = (int)(p2 - 0.5f);
            const float f = p2 - (float)n;
            float m = 1.535336188e-4f * f + 1.339887440e-3f;
            m = m * f + 9.618437357e-3f;
            m = m * f + 5.550332471e-2f;
            m = m * f + 2.402264791e-1f;
            m = m * f + 6.931472028e-1f;
            m = m * f + 1.0f;
            float alpha = e[5] * m * wp::cast<float>((n + 127) << 23);
            alpha = alpha < {LARGEST_ALPHA}f ? alpha : {LARGEST_ALPHA}f;
"""

_CLEAR = f"""
    float* plane = planes.data + at;
    int* full = last.data + at_last;
    for (int i = 0; i < {PLANES * AREA}; ++i) plane[i] = 0.0f;
    for (int i = 0; i < {AREA}; ++i) plane[{3 * AREA} + i] = 1.0f;
    for (int i = 0; i < {AREA}; ++i) full[i] = {NEVER};
"""

_CLEAREST = f"""
    const float* through = planes.data + at + {3 * AREA};
    float most[{TILE}] = {{0.0f}};
    for (int row = 0; row < {TILE}; ++row)
        for (int i = 0; i < {TILE}; ++i) {{
            const float t = through[{TILE} * row + i];
            most[i] = most[i] > t ? most[i] : t;
        }}
    for (int i = 1; i < {TILE}; ++i) most[0] = most[0] > most[i] ? most[0] : most[i];
    return most[0];
"""

_UNLOAD = f"""
    for (int y = 0; y < {TILE} && y0 + y < light.shape[1]; ++y) {{
        const int columns = light.shape[2] - x0 < {TILE} ? light.shape[2] - x0 : {TILE};
        const float* r = planes.data + at + {TILE} * y;
        auto* out = wp::address(light, b, y0 + y, x0);
        for (int i = 0; i < columns; ++i)
            for (int c = 0; c < 4; ++c) out[i][c] = r[{AREA} * c + i];
        if (depth.shape[1] > 0) {{
            float* far = wp::address(depth, b, y0 + y, x0);
            for (int i = 0; i < columns; ++i) far[i] = r[{4 * AREA} + i];
        }}
        if (last.shape[1] > 0) {{
            int* stop = wp::address(last, b, y0 + y, x0);
            for (int i = 0; i < columns; ++i) stop[i] = plane_last.data[at_last + {TILE} * y + i];
        }}
    }}
"""

_LOAD = f"""
    // Pixels beyond the image's borders have T = 1, no pair and no gradients.
    float* plane = planes.data + at;
    int* full_at = plane_last.data + at_last;
    for (int i = 0; i < {BACK_PLANES * AREA}; ++i) plane[i] = i < {AREA} ? 1.0f : 0.0f;
    for (int i = 0; i < {AREA}; ++i) full_at[i] = -1;
    int latest = -1;
    for (int y = 0; y < {TILE} && y0 + y < light.shape[1]; ++y) {{
        const int columns = light.shape[2] - x0 < {TILE} ? light.shape[2] - x0 : {TILE};
        float* r = plane + {TILE} * y;
        const auto* pixel = wp::address(light, b, y0 + y, x0);
        const auto* gain = wp::address(light_gradients, b, y0 + y, x0);
        const int* stop = wp::address(last, b, y0 + y, x0);
        for (int i = 0; i < columns; ++i) {{
            r[i] = pixel[i][3];
            for (int c = 0; c < 4; ++c) r[{AREA} * (2 + c) + i] = gain[i][c];
            full_at[{TILE} * y + i] = stop[i];
            latest = latest > stop[i] ? latest : stop[i];
        }}
        if (depth_gradients.shape[1] > 0) {{
            const float* far = wp::address(depth_gradients, b, y0 + y, x0);
            for (int i = 0; i < columns; ++i) r[{6 * AREA} + i] = far[i];
        }}
    }}
    return latest;
"""

_BLEND = f"""
    float* plane = planes.data + at;
    int* full_at = last.data + at_last;
    const float cr = paint[0], cg = paint[1], cb = paint[2], cz = paint[3];
    for (int row = top; row <= bottom; ++row) {{
        const float dy = (float)row - v;
        const float fall = e[4] * dy * dy;
        const float middle = u + e[3] * dy;
        float* r = plane + {TILE} * row;
        int* full = full_at + {TILE} * row;
        for (int i = 0; i < {TILE}; ++i) {{
            {_ALPHA}
            const float through = r[{3 * AREA} + i];
            const bool on = (alpha >= {SMALLEST_ALPHA:.9g}f) & (through >= {FULL}f);
            const float w = on ? through * alpha : 0.0f;
            const float rest = through - w;
            r[i] += w * cr;
            r[{AREA} + i] += w * cg;
            r[{2 * AREA} + i] += w * cb;
            r[{3 * AREA} + i] = rest;
            r[{4 * AREA} + i] += w * cz;
            full[i] = (on & (rest < {FULL}f)) ? pair : full[i];
        }}
    }}
"""

_BLEND_BACKWARD = f"""
    float* plane = planes.data + at;
    const int* full_at = last.data + at_last;
    const float cr = paint[0], cg = paint[1], cb = paint[2], cz = paint[3];
    float sums[10 * {TILE}] = {{0.0f}};
    for (int row = top; row <= bottom; ++row) {{
        const float dy = (float)row - v;
        const float fall = e[4] * dy * dy;
        const float middle = u + e[3] * dy;
        float* r = plane + {TILE} * row;
        const int* full = full_at + {TILE} * row;
        for (int i = 0; i < {TILE}; ++i) {{
            {_ALPHA}
            const bool on = (alpha >= {SMALLEST_ALPHA:.9g}f) & (pair <= full[i]);
            const float a = on ? alpha : 0.0f;
            const float clear = 1.0f / (1.0f - a);
            const float through = r[i] * clear;
            const float behind = r[{AREA} + i];
            const float gr = r[{2 * AREA} + i];
            const float gg = r[{3 * AREA} + i];
            const float gb = r[{4 * AREA} + i];
            const float gz = r[{6 * AREA} + i];
            const float value = gr * cr + gg * cg + gb * cb + r[{5 * AREA} + i] + gz * cz;
            const float w = through * a;
            r[i] = through;
            r[{AREA} + i] = behind + w * value;
            const float raw = a * (through * value - behind * clear);
            const float power = a < {LARGEST_ALPHA}f ? raw : 0.0f;
            const float ps = power * s;
            sums[i] += power;
            sums[{TILE} + i] += ps;
            sums[{2 * TILE} + i] += ps * s;
            sums[{3 * TILE} + i] += power * dy;
            sums[{4 * TILE} + i] += ps * dy;
            sums[{5 * TILE} + i] += power * dy * dy;
            sums[{6 * TILE} + i] += w * gr;
            sums[{7 * TILE} + i] += w * gg;
            sums[{8 * TILE} + i] += w * gb;
            sums[{9 * TILE} + i] += w * gz;
        }}
    }}
    // Sums over a row's 16 lanes, halved twice for all ten at once, as vectors.
    static_assert({TILE} == 16, "lanes");
    float eights[80], fours[40], sum[10];
    for (int k = 0; k < 10; ++k)
        for (int i = 0; i < 8; ++i) eights[8 * k + i] = sums[16 * k + i] + sums[16 * k + 8 + i];
    for (int k = 0; k < 10; ++k)
        for (int i = 0; i < 4; ++i) fours[4 * k + i] = eights[8 * k + i] + eights[8 * k + 4 + i];
    for (int k = 0; k < 10; ++k) {{
        const float* four = fours + 4 * k;
        sum[k] = (four[0] + four[1]) + (four[2] + four[3]);
    }}
    auto& de = ellipse_gradients.data[g];
    de[0] += e[2] * sum[1];
    de[1] += e[4] * sum[3] - e[2] * e[3] * sum[1];
    de[2] -= 0.5f * sum[2];
    de[3] += e[2] * sum[4];
    de[4] -= 0.5f * sum[5];
    de[5] += sum[0] / e[5];
    auto& dpaint = paint_gradients.data[g];
    for (int k = 0; k < 4; ++k) dpaint[k] += sum[6 + k];
"""


@wp.func_native(_CLEAR)
def clear(planes: wp.array(dtype=float), at: int, last: wp.array(dtype=int), at_last: int):
    """Empty the PLANES planes of a tile."""
    ...


@wp.func_native(_CLEAREST)
def clearest(planes: wp.array(dtype=float), at: int) -> float:
    """Largest T of a tile."""
    ...


@wp.func_native(_UNLOAD)
def unload(
    planes: wp.array(dtype=float), at: int, plane_last: wp.array(dtype=int), at_last: int,
    b: int, y0: int, x0: int, light: wp.array3d(dtype=wp.vec4), depth: wp.array3d(dtype=float),
    last: wp.array3d(dtype=int),
):  # fmt: skip
    """Planes -> their part of the images."""
    ...


@wp.func_native(_LOAD)
def load(
    planes: wp.array(dtype=float), at: int, plane_last: wp.array(dtype=int), at_last: int,
    b: int, y0: int, x0: int, light: wp.array3d(dtype=wp.vec4), last: wp.array3d(dtype=int),
    light_gradients: wp.array3d(dtype=wp.vec4), depth_gradients: wp.array3d(dtype=float),
) -> int:  # fmt: skip
    """Images -> the BACK_PLANES planes of a tile; the latest pair after which a pixel is full."""
    ...


@wp.func_native(_BLEND)
def blend_rows(
    planes: wp.array(dtype=float), at: int, last: wp.array(dtype=int), at_last: int,
    top: int, bottom: int, u: float, v: float, e: Ellipse, paint: wp.vec4, pair: int,
):  # fmt: skip
    """Blend one ellipse, its centre (u, v) counted from the tile's first pixel centre."""
    ...


@wp.func_native(_BLEND_BACKWARD)
def blend_rows_backward(
    planes: wp.array(dtype=float), at: int, last: wp.array(dtype=int), at_last: int,
    top: int, bottom: int, u: float, v: float, e: Ellipse, paint: wp.vec4, pair: int, g: int,
    ellipse_gradients: wp.array(dtype=Ellipse), paint_gradients: wp.array(dtype=wp.vec4),
):  # fmt: skip
    """Take one ellipse out again, adding to its gradients."""
    ...
