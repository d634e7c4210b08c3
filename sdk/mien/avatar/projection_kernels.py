"""Warp kernels: Gaussians in space -> ellipses on the image, and the gradients back.

The mathematics is EWA splatting (Zwicker et al. 2001) as Kerbl et al. 2023 use it: the covariance
V = R S S R^T goes through the derivative J of the projection at the mean, and `BLUR` pixels^2 are
added, the low-pass that keeps every Gaussian at about a pixel's width.

An ellipse is held as the Gaussian of x given y times that of y, which stays exact for needles where
the inverse covariance loses its digits: with t = (x - u) - k (y - v),
    exponent = -(A t^2 + h (y - v)^2) / 2,   k = cxy / cyy,  h = 1 / cyy,  A = cyy / det.
"""

# Warp reads the annotations of kernels at run time (no postponed evaluation here), they are calls
# that mypy cannot take, and a variable that a loop changes must be made by float() or int().
# mypy: ignore-errors

from mien.avatar.splat_limits import BLUR, LARGEST_DETERMINANT, MARGIN, NEAR_M, SMALLEST_ALPHA
from mien.avatar.warp_start import wp

__all__ = [
    "Ellipse",
    "project_backward_kernel",
    "project_kernel",
]

Ellipse = wp.types.vector(length=6, dtype=float)
"""u, v (pixels), A, k, h as above, opacity."""


@wp.struct
class Footprint:
    """One Gaussian before the camera, with what the way back needs."""

    seen: int
    p: wp.vec3
    """Mean in camera space, metres."""
    slope: wp.vec2
    """x/z and y/z, held within the margins."""
    held: wp.vec2
    """1 where the slope follows the mean, 0 where it is held."""
    turned: wp.mat33
    """Rotation of the Gaussian, world_from_splat."""
    n0: wp.vec3
    n1: wp.vec3
    """Rows of J camera_from_world."""
    y0: wp.vec3
    y1: wp.vec3
    """Rows of J camera_from_world R."""
    cxx: float
    cxy: float
    cyy: float
    det: float


@wp.func
def matrix_of(q: wp.vec4) -> wp.mat33:
    """Rotation of a unit quaternion xyzw."""
    x = q[0]
    y = q[1]
    z = q[2]
    w = q[3]
    return wp.mat33(
        1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w),
        2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w),
        2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y),
    )  # fmt: skip


@wp.func
def quaternion_gradient(q: wp.vec4, d: wp.mat33) -> wp.vec4:
    """Of `matrix_of` for the gradient `d` of its result."""
    x = q[0]
    y = q[1]
    z = q[2]
    w = q[3]
    dx = y * (d[0, 1] + d[1, 0]) + z * (d[0, 2] + d[2, 0]) + w * (d[2, 1] - d[1, 2])
    dy = x * (d[0, 1] + d[1, 0]) + z * (d[1, 2] + d[2, 1]) + w * (d[0, 2] - d[2, 0])
    dz = x * (d[0, 2] + d[2, 0]) + y * (d[1, 2] + d[2, 1]) + w * (d[1, 0] - d[0, 1])
    dw = x * (d[2, 1] - d[1, 2]) + y * (d[0, 2] - d[2, 0]) + z * (d[1, 0] - d[0, 1])
    dx = dx - 2.0 * x * (d[1, 1] + d[2, 2])
    dy = dy - 2.0 * y * (d[0, 0] + d[2, 2])
    dz = dz - 2.0 * z * (d[0, 0] + d[1, 1])
    return 2.0 * wp.vec4(dx, dy, dz, dw)


@wp.func
def unit(q: wp.vec4) -> wp.vec4:
    """Of length 1; zero stays zero, which `matrix_of` takes for no rotation."""
    return q / wp.max(wp.length(q), 1.0e-12)


@wp.func
def footprint(
    mean: wp.vec3, q: wp.vec4, scale: wp.vec3,
    pose: wp.mat44, lens: wp.vec4, width: float, height: float,
) -> Footprint:  # fmt: skip
    """The covariance on the image; `lens` is fx, fy, cx, cy in pixels."""
    out = Footprint()
    p4 = pose @ wp.vec4(mean[0], mean[1], mean[2], 1.0)
    out.p = wp.vec3(p4[0], p4[1], p4[2])
    out.seen = 0
    if not (out.p[2] > NEAR_M):
        return out
    z = 1.0 / out.p[2]
    sx = out.p[0] * z
    sy = out.p[1] * z
    tx = wp.clamp(
        sx, (-MARGIN * width - lens[2]) / lens[0], ((1.0 + MARGIN) * width - lens[2]) / lens[0]
    )
    ty = wp.clamp(
        sy, (-MARGIN * height - lens[3]) / lens[1], ((1.0 + MARGIN) * height - lens[3]) / lens[1]
    )
    out.slope = wp.vec2(tx, ty)
    out.held = wp.vec2(0.0, 0.0)
    if tx == sx:
        out.held[0] = 1.0
    if ty == sy:
        out.held[1] = 1.0
    w2 = wp.vec3(pose[2, 0], pose[2, 1], pose[2, 2])
    out.n0 = (lens[0] * z) * (wp.vec3(pose[0, 0], pose[0, 1], pose[0, 2]) - tx * w2)
    out.n1 = (lens[1] * z) * (wp.vec3(pose[1, 0], pose[1, 1], pose[1, 2]) - ty * w2)
    out.turned = matrix_of(unit(q))
    back = wp.transpose(out.turned)
    out.y0 = back @ out.n0
    out.y1 = back @ out.n1
    m0 = wp.cw_mul(scale, out.y0)
    m1 = wp.cw_mul(scale, out.y1)
    xx = wp.dot(m0, m0)
    yy = wp.dot(m1, m1)
    area = wp.cross(m0, m1)
    out.cxx = xx + BLUR
    out.cyy = yy + BLUR
    out.cxy = wp.dot(m0, m1)
    # Lagrange's identity: nothing cancels, however thin the ellipse.
    out.det = wp.dot(area, area) + BLUR * (xx + yy) + BLUR * BLUR
    if out.det < LARGEST_DETERMINANT:
        out.seen = 1
    return out


@wp.kernel
def project_kernel(
    means: wp.array2d(dtype=wp.vec3),
    rotations: wp.array2d(dtype=wp.vec4),
    scales: wp.array2d(dtype=wp.vec3),
    opacities: wp.array2d(dtype=float),
    colours: wp.array2d(dtype=wp.vec3),
    poses: wp.array(dtype=wp.mat44),
    lenses: wp.array(dtype=wp.vec4),
    width: int,
    height: int,
    tile: int,
    ellipses: wp.array(dtype=Ellipse),
    paints: wp.array(dtype=wp.vec4),
    reaches: wp.array(dtype=wp.vec4i),
    depths: wp.array(dtype=float),
    ids: wp.array(dtype=int),
):
    """Ellipse, colour with depth, and the tiles within reach of Gaussian i of frame b.

    Inputs (B, N); outputs are flat (B N,). `reaches`: first and last column, first and last row of
    tiles of side `tile`; last < first for what has no image. `depths` and `ids` are for sorting.
    """
    b, i = wp.tid()
    g = b * means.shape[1] + i
    f = footprint(
        means[b, i], rotations[b, i], scales[b, i], poses[b], lenses[b], float(width), float(height)
    )
    opacity = opacities[b, i]
    reaches[g] = wp.vec4i(0, -1, 0, -1)
    ids[g] = g
    depths[g] = 3.0e38
    if f.seen == 0 or not (opacity >= SMALLEST_ALPHA):
        return
    lens = lenses[b]
    u = lens[0] * f.p[0] / f.p[2] + lens[2]
    v = lens[1] * f.p[1] / f.p[2] + lens[3]
    c = colours[b, i]
    if not (wp.isfinite(u) and wp.isfinite(v) and wp.isfinite(c)):
        return
    radius2 = 2.0 * wp.log(opacity / SMALLEST_ALPHA)
    rx = wp.sqrt(radius2 * f.cxx)
    ry = wp.sqrt(radius2 * f.cyy)
    # Pixel centres within reach, by comparisons in float: far outside an int would overflow.
    left = wp.max(wp.ceil(u - rx - 0.5), 0.0)
    right = wp.min(wp.floor(u + rx - 0.5), float(width - 1))
    top = wp.max(wp.ceil(v - ry - 0.5), 0.0)
    bottom = wp.min(wp.floor(v + ry - 0.5), float(height - 1))
    if not (left <= right and top <= bottom):
        return
    reaches[g] = wp.vec4i(
        int(left) // tile, int(right) // tile, int(top) // tile, int(bottom) // tile
    )
    depths[g] = f.p[2]
    h = 1.0 / f.cyy
    ellipses[g] = Ellipse(u, v, f.cyy / f.det, f.cxy * h, h, opacity)
    paints[g] = wp.vec4(c[0], c[1], c[2], f.p[2])


@wp.kernel
def project_backward_kernel(
    means: wp.array2d(dtype=wp.vec3),
    rotations: wp.array2d(dtype=wp.vec4),
    scales: wp.array2d(dtype=wp.vec3),
    poses: wp.array(dtype=wp.mat44),
    lenses: wp.array(dtype=wp.vec4),
    width: int,
    height: int,
    reaches: wp.array(dtype=wp.vec4i),
    ellipse_gradients: wp.array(dtype=Ellipse),
    paint_gradients: wp.array(dtype=wp.vec4),
    mean_gradients: wp.array2d(dtype=wp.vec3),
    rotation_gradients: wp.array2d(dtype=wp.vec4),
    scale_gradients: wp.array2d(dtype=wp.vec3),
    opacity_gradients: wp.array2d(dtype=float),
    colour_gradients: wp.array2d(dtype=wp.vec3),
):
    """Gradients of what `project_kernel` took; all outputs start at zero."""
    b, i = wp.tid()
    g = b * means.shape[1] + i
    reach = reaches[g]
    if reach[1] < reach[0]:
        return
    e = ellipse_gradients[g]
    paint = paint_gradients[g]
    opacity_gradients[b, i] = e[5]
    colour_gradients[b, i] = wp.vec3(paint[0], paint[1], paint[2])

    scale = scales[b, i]
    raw = rotations[b, i]
    lens = lenses[b]
    pose = poses[b]
    f = footprint(means[b, i], raw, scale, pose, lens, float(width), float(height))
    # Ellipse -> covariance; s = 1 / A is the variance of x given y.
    h = 1.0 / f.cyy
    k = f.cxy * h
    a = f.cyy / f.det
    ds = -a * a * e[2]
    gxx = ds
    gxy = -2.0 * k * ds + h * e[3]
    gyy = k * k * ds - k * h * e[3] - h * h * e[4]
    # Covariance -> rows of J W R S -> scales, rotation, rows of J W.
    m0 = wp.cw_mul(scale, f.y0)
    m1 = wp.cw_mul(scale, f.y1)
    dm0 = 2.0 * gxx * m0 + gxy * m1
    dm1 = 2.0 * gyy * m1 + gxy * m0
    scale_gradients[b, i] = wp.cw_mul(dm0, f.y0) + wp.cw_mul(dm1, f.y1)
    dy0 = wp.cw_mul(scale, dm0)
    dy1 = wp.cw_mul(scale, dm1)
    q = unit(raw)
    dq = quaternion_gradient(q, wp.outer(f.n0, dy0) + wp.outer(f.n1, dy1))
    rotation_gradients[b, i] = (dq - wp.dot(q, dq) * q) / wp.max(wp.length(raw), 1.0e-12)
    dn0 = f.turned @ dy0
    dn1 = f.turned @ dy1
    # Rows of J W, and the mean on the image -> mean in camera space -> in the world.
    w0 = wp.vec3(pose[0, 0], pose[0, 1], pose[0, 2])
    w1 = wp.vec3(pose[1, 0], pose[1, 1], pose[1, 2])
    w2 = wp.vec3(pose[2, 0], pose[2, 1], pose[2, 2])
    z = 1.0 / f.p[2]
    fx = lens[0] * z
    fy = lens[1] * z
    tx = f.slope[0]
    ty = f.slope[1]
    dtx = -fx * wp.dot(dn0, w2) * f.held[0]
    dty = -fy * wp.dot(dn1, w2) * f.held[1]
    dpx = fx * e[0] + z * dtx
    dpy = fy * e[1] + z * dty
    dpz = -(f.p[0] * dpx + f.p[1] * dpy) * z + paint[3]
    dpz = dpz - fx * z * wp.dot(dn0, w0 - tx * w2) - fy * z * wp.dot(dn1, w1 - ty * w2)
    mean_gradients[b, i] = dpx * w0 + dpy * w1 + dpz * w2
