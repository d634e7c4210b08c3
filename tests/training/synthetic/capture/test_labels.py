"""Labels of a view agree with the projection of what is known, and with each other."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from mien.deform import vertex_normals
from mien_training.cameras import look_at_camera, project
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.scene.scene_mesh import PARTS
from mien_training.synthetic.capture.labels import SKIN, label_view


def interior(moment, view):
    """Visible vertices whose pixel and its neighbours all show skin; and those pixels."""
    pixels, _ = project(moment.cameras[view], moment.vertices)
    at = np.floor(np.nan_to_num(pixels, nan=-1.0)).astype(np.int64)
    height, width = moment.part.shape[1:]
    inner = (at >= 1).all(1) & (at < (width - 1, height - 1)).all(1) & moment.visible[view]
    found = np.flatnonzero(inner)
    around = np.stack(
        [moment.mask[view][at[found, 1] + dy, at[found, 0] + dx]
         for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    ).all(0)  # fmt: skip
    return found[around], at[found[around]]


def test_a_vertex_finds_its_canonical_place_at_its_pixel(moment, anny):
    checked = 0
    for view in range(len(moment.cameras)):
        vertices, at = interior(moment, view)
        skin = anny.regions["skin"][vertices]
        vertices, at = vertices[skin], at[skin]
        seen = moment.canonical[view, at[:, 1], at[:, 0]]
        error = np.linalg.norm(seen - anny.vertices[vertices], axis=1)
        camera = moment.cameras[view]
        pixel_m = project(camera, moment.vertices[vertices])[1] / camera.K[0, 0]
        # A pixel's centre is at most 0.7 pixels away; the surface may be steep.
        assert np.median(error / pixel_m) < 1.0
        assert np.quantile(error / pixel_m, 0.95) < 3.0
        checked += len(vertices)
    assert checked > 300


def test_a_pixels_ray_meets_the_mesh_where_its_canonical_place_says(moment, anny):
    for view, camera in enumerate(moment.cameras):
        rows, columns = np.nonzero(moment.mask[view])
        canonical = moment.canonical[view, rows, columns]
        on_mean = nearest_on_surface(anny.vertices, anny.triangles, canonical)
        assert on_mean.distance.max() < 1e-5
        corners = anny.triangles[on_mean.triangle]
        mean = anny.vertices[corners].astype(np.float64)
        weights = np.stack([np.linalg.lstsq(m.T, p, rcond=None)[0]
                            for m, p in zip(mean, on_mean.positions, strict=True)])  # fmt: skip
        places = np.einsum("nc,ncx->nx", weights, moment.vertices[corners])
        pixels, _ = project(camera, places)
        off = np.abs(pixels - np.stack([columns, rows], 1) - 0.5).max(1)
        assert np.quantile(off, 0.98) < 0.05  # but for lens distortion within a triangle


def test_normals_are_of_unit_length_and_face_the_camera(moment):
    for view in range(len(moment.cameras)):
        head = (moment.canonical[view] != 0).any(-1)
        normals = moment.normals[view]
        np.testing.assert_allclose(np.linalg.norm(normals[head], axis=1), 1, atol=1e-4)
        assert not normals[~head].any()
        rows, columns = np.nonzero(head)
        pixel = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], 1)
        ray = pixel @ np.linalg.inv(moment.cameras[view].K).T
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        assert (normals[rows, columns] * ray).sum(1).max() < 0.05


def test_normals_are_those_of_the_mesh_in_the_cameras_axes(moment, anny):
    normals = vertex_normals(moment.vertices, anny.triangles)
    for view, camera in enumerate(moment.cameras):
        vertices, at = interior(moment, view)
        expected = normals[vertices] @ camera.camera_from_world[:3, :3].T
        found = moment.normals[view, at[:, 1], at[:, 0]]
        assert np.median((expected * found).sum(1)) > 0.97


def test_the_mask_holds_skin_alone_and_what_it_shows_is_visible(moment, anny):
    for view, camera in enumerate(moment.cameras):
        np.testing.assert_array_equal(moment.mask[view], moment.part[view] == SKIN)
        pixels, _ = project(camera, moment.vertices)
        seen = moment.visible[view]
        at = np.floor(pixels[seen]).astype(np.int64)
        shown = moment.part[view][
            at[:, 1].clip(0, camera.height - 1), at[:, 0].clip(0, camera.width - 1)
        ]
        # At outlines a visible vertex's pixel may be centred beside it.
        assert (shown >= 0).mean() > 0.85
        hidden = anny.regions["skin"] & ~seen
        rows, columns = np.nonzero(moment.mask[view])
        tree = cKDTree(np.stack([columns + 0.5, rows + 0.5], 1))
        used = np.unique(anny.triangles[anny.triangle_material == SKIN])
        skin = np.intersect1d(used, np.flatnonzero(seen))
        distance, _ = tree.query(pixels[skin])
        assert np.quantile(distance, 0.95) < 1.5
        assert hidden[used].any()


def test_what_others_hide_is_in_no_mask(moment):
    worn = np.isin(moment.part, [PARTS.index(name) for name in ("hair", "glasses", "clothes")])
    assert worn.any() and not (worn & moment.mask).any()
    assert not moment.canonical[worn].any() and not moment.normals[worn].any()


def test_labels_do_not_depend_on_the_resolution(anny):
    """A camera with other pixels sees the same places at the same rays."""
    rig, source = rig_from_template(anny, "still")
    renderer = HeadRenderer(rig)
    camera = look_at_camera((0.3, 0.2, 1.0), (0, 0.12, 0), 0.35, 100, 100)
    maps = []
    for at in (camera, camera.resized(40, 60), camera.resized(200, 130)):
        labels = label_view(renderer, rig.vertices, (), at, anny.vertices[source])
        maps.append(labels)
        rows, columns = np.nonzero(labels.part == SKIN)
        # Of the mean head itself the canonical place is the place seen.
        pixels, _ = project(at, labels.canonical[rows, columns])
        np.testing.assert_allclose(pixels, np.stack([columns, rows], 1) + 0.5, atol=2e-3)
    share = [(m.part == SKIN).mean() for m in maps]
    assert share == pytest.approx(share[:1] * 3, rel=0.03)
