"""Colours of a scan in the template's layout; a real scan from end to end."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from support.scans import known_scan

from mien.errors import InputError
from mien_training.footage.scanned.scan import Scan, read_scan
from mien_training.geometry.alignment import Alignment
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.metrics.mesh_errors import summarise
from mien_training.rendering.bake import bake_texels
from mien_training.rig.scan.registration import ScanFitConfig, register_scan
from mien_training.rig.scan.scan_landmarks import find_landmarks
from mien_training.rig.scan.scan_target import corner_shares
from mien_training.rig.scan.scan_texture import scan_texture
from mien_training.templates.regions import face_region

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


def test_colours_land_on_their_places(template):
    """A scan that carries its own positions as colours: each texel says where it lies."""
    known = known_scan(template)
    low, high = known.expression.min(0), known.expression.max(0)
    at = (known.scan.vertices - known.shift) @ known.rotation / known.scale
    colours = np.rint(255 * (at - low) / (high - low)).astype(np.uint8)
    scan = Scan("x", known.scan.vertices, known.scan.triangles, 0.001, colours=colours)
    placed = Alignment(known.rotation, known.shift, known.scale)
    material = scan_texture(scan, template, known.expression, placed, size=128)
    texels = bake_texels(template, 0, 128)
    there = texels.interpolate(known.expression)
    said = material.base_color.reshape(-1, 3)[texels.texel] / 255 * (high - low) + low
    inside = texels.interpolate(face_region(template).astype(np.float32)) > 0.99
    assert np.linalg.norm(said - there, axis=1)[inside].max() < 0.004


def test_refusals(template):
    grey = Scan("grey.obj", np.eye(3), np.array([[0, 1, 2]]))
    still = Alignment(np.eye(3), np.zeros(3))
    with pytest.raises(InputError, match=r"grey\.obj has neither texture nor colours"):
        scan_texture(grey, template, template.vertices, still)
    red = Scan("red.obj", np.eye(3), np.array([[0, 1, 2]]), colours=np.zeros((3, 3), np.uint8))
    with pytest.raises(InputError, match="nowhere near"):
        scan_texture(red, template, template.vertices, still, size=64)
    with pytest.raises(InputError, match=r"vertices \(3, 3\)"):
        scan_texture(red, template, np.zeros((3, 3), np.float32), still)


def test_the_real_scan(template, shared_data):
    folder = shared_data("headscan_lps")
    scan = read_scan(folder / "LeePerrySmith.glb", texture=folder / "color.jpg")
    found = find_landmarks(scan, template)
    # Its file counts texture rows from the bottom, and its unit is nobody's.
    assert found.texture_flipped and found.size_is_guessed
    fit = register_scan(scan, template, ScanFitConfig(steps=50, scalp=1.0), found)
    assert min(fit.expressions.values()) > 0.85  # the eyes are closed
    face = face_region(template)
    assert summarise(1000 * fit.distance_m[face]).median < 0.3
    skin = scan_texture(found.scan, template, fit.fitted, fit.world_from_rig, fit.attracted, 512)
    # Where the template has the tracker's points, colours are those of the scan's own points.
    good = np.flatnonzero((found.confidence > 0.4) & (template.landmarks.triangle >= 0))
    hit = nearest_on_surface(found.scan.vertices, found.scan.triangles, found.points[good])
    shares = corner_shares(found.scan.vertices[found.scan.triangles[hit.triangle]], hit.positions)
    there = found.scan.colour_at(hit.triangle, shares)
    texels = bake_texels(template, 0, 512)
    places = template.landmarks.positions(template.vertices, template.triangles)[good]
    nearest = cKDTree(texels.interpolate(template.vertices)).query(places)[1]
    here = skin.base_color.reshape(-1, 3)[texels.texel[nearest]].astype(float)
    assert np.abs(here - there).mean() < 12
    assert np.corrcoef(here.ravel(), there.ravel())[0, 1] > 0.8
    assert np.corrcoef(here[:, 1], there[:, 1])[0, 1] > 0.4
