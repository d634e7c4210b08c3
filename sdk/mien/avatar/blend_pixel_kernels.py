"""Warp kernels: ellipses blended front to back into premultiplied light, a thread for each pixel.

Coverage of a pixel whose centre is (x, y), with u, v, A, k, h of `projection_kernels`:
    alpha = min(0.99, opacity exp(-(A t^2 + h (y - v)^2) / 2)),  t = (x - u) - k (y - v),
and nothing where alpha < 1/255. Then light += T alpha colour, T <- T (1 - alpha), from T = 1 until
T < 1e-4, below which a pixel is full. The limits are those of the usual renderers.

These serve CUDA; `blend_tile_kernels` says the same for the CPU.
"""

# mypy: ignore-errors
# ruff: noqa: UP018

from mien.avatar.projection_kernels import Ellipse
from mien.avatar.splat_limits import FULL, LARGEST_ALPHA, SMALLEST_ALPHA
from mien.avatar.warp_start import wp

__all__ = [
    "NEVER",
    "blend_pixels_backward_kernel",
    "blend_pixels_kernel",
]

NEVER = wp.constant(2147483647)
"""In place of the pair after which a pixel is full, if it never is."""


@wp.kernel
def blend_pixels_kernel(
    ellipses: wp.array(dtype=Ellipse),
    paints: wp.array(dtype=wp.vec4),
    members: wp.array(dtype=int),
    ranges: wp.array(dtype=wp.vec2i),
    tile: int,
    columns: int,
    rows: int,
    light: wp.array3d(dtype=wp.vec4),
    depth: wp.array3d(dtype=float),
    last: wp.array3d(dtype=int),
):
    """`light` (B, H, W): premultiplied RGB and T. `depth`, `last` (B, H, W), or (B, 0, 0) for none.

    `depth`: sum of T alpha z, metres; `last`: the pair after which the pixel is full, or NEVER.
    `members`, `ranges`: of `TiledCloud`.
    """
    b, y, x = wp.tid()
    pairs = ranges[(b * rows + y // tile) * columns + x // tile]
    c = wp.vec3(0.0, 0.0, 0.0)
    through = float(1.0)
    far = float(0.0)
    end = int(NEVER)
    for pair in range(pairs[0], pairs[1]):
        g = members[pair]
        e = ellipses[g]
        dy = float(y) + 0.5 - e[1]
        s = float(x) + 0.5 - e[0] - e[3] * dy
        alpha = wp.min(LARGEST_ALPHA, e[5] * wp.exp(-0.5 * (e[2] * s * s + e[4] * dy * dy)))
        if alpha >= SMALLEST_ALPHA:
            paint = paints[g]
            w = through * alpha
            c = c + w * wp.vec3(paint[0], paint[1], paint[2])
            far = far + w * paint[3]
            through = through - w
            if through < FULL:
                end = pair
                break
    light[b, y, x] = wp.vec4(c[0], c[1], c[2], through)
    if depth.shape[1] > 0:
        depth[b, y, x] = far
    if last.shape[1] > 0:
        last[b, y, x] = end


@wp.kernel
def blend_pixels_backward_kernel(
    ellipses: wp.array(dtype=Ellipse),
    paints: wp.array(dtype=wp.vec4),
    members: wp.array(dtype=int),
    ranges: wp.array(dtype=wp.vec2i),
    tile: int,
    columns: int,
    rows: int,
    light: wp.array3d(dtype=wp.vec4),
    last: wp.array3d(dtype=int),
    light_gradients: wp.array3d(dtype=wp.vec4),
    depth_gradients: wp.array3d(dtype=float),
    ellipse_gradients: wp.array(dtype=Ellipse),
    paint_gradients: wp.array(dtype=wp.vec4),
):
    """Adds to the gradients of ellipses and paints, which start at zero.

    `light_gradients` (B, H, W): of premultiplied RGB and of coverage, 1 - T; `depth_gradients`
    (B, H, W), or (B, 0, 0) for none. Pairs come back to front.
    """
    b, y, x = wp.tid()
    pairs = ranges[(b * rows + y // tile) * columns + x // tile]
    gain = light_gradients[b, y, x]
    gain_depth = float(0.0)
    if depth_gradients.shape[1] > 0:
        gain_depth = depth_gradients[b, y, x]
    through = float(light[b, y, x][3])
    behind = float(0.0)
    end = int(pairs[1])
    if last[b, y, x] < end:
        end = last[b, y, x] + 1
    for back in range(pairs[0], end):
        g = members[end - 1 - (back - pairs[0])]
        e = ellipses[g]
        dy = float(y) + 0.5 - e[1]
        s = float(x) + 0.5 - e[0] - e[3] * dy
        shape = wp.exp(-0.5 * (e[2] * s * s + e[4] * dy * dy))
        alpha = wp.min(LARGEST_ALPHA, e[5] * shape)
        if alpha >= SMALLEST_ALPHA:
            paint = paints[g]
            value = gain[0] * paint[0] + gain[1] * paint[1] + gain[2] * paint[2] + gain[3]
            value = value + gain_depth * paint[3]
            clear = 1.0 / (1.0 - alpha)
            through = through * clear
            w = through * alpha
            dalpha = through * value - behind * clear
            behind = behind + w * value
            wp.atomic_add(paint_gradients, g, w * wp.vec4(gain[0], gain[1], gain[2], gain_depth))
            if alpha < LARGEST_ALPHA:
                power = alpha * dalpha
                ps = power * s
                de = Ellipse(
                    e[2] * ps,
                    power * (e[4] * dy) - e[2] * e[3] * ps,
                    -0.5 * s * ps,
                    e[2] * dy * ps,
                    -0.5 * dy * dy * power,
                    shape * dalpha,
                )
                wp.atomic_add(ellipse_gradients, g, de)
