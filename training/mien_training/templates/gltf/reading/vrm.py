"""VRM avatars, versions 0 and 1: expressions that carry ARKit names, and who may use them."""

from __future__ import annotations

from collections.abc import Iterator

from mien.strict_json import Fields
from mien_training.templates.gltf.reading.gltf_file import GltfFile
from mien_training.templates.gltf.reading.shape_names import named_channels

__all__ = ["Binds", "vrm_expressions", "vrm_licence"]

Binds = dict[str, dict[int, float]]
"""Channel of ARKIT_CHANNELS -> target of a mesh -> the weight that it gets at 1."""

_BLINKS = {
    "blink_l": "eyeBlinkLeft", "blink_r": "eyeBlinkRight",
    "blinkLeft": "eyeBlinkLeft", "blinkRight": "eyeBlinkRight",
}  # fmt: skip
"""Presets that are a shape of ARKit's; left is the character's own there too."""
_PERCENT = 0.01
"""Weights of version 0 go to 100."""


def vrm_expressions(file: GltfFile) -> dict[int, Binds]:
    """Mesh -> its part in the expressions with ARKit names ("perfect sync"); {} without VRM.

    Raises InputError, naming the field, for expressions that break VRM's schemas.
    """
    found: dict[int, Binds] = {}
    for expression, mesh, target, weight in (*_version_0(file), *_version_1(file)):
        named = named_channels([expression])
        channel = next(iter(named), _BLINKS.get(expression))
        if channel is not None:
            found.setdefault(mesh, {}).setdefault(channel, {})[target] = weight
    return found


def vrm_licence(file: GltfFile) -> str | None:
    """Who made the avatar and under which licence, in a line; None where it does not say."""
    for name in ("VRM", "VRMC_vrm"):
        meta = _inside(file.json, "extensions", name, "meta")
        if meta is None:
            continue
        authors = meta.texts("authors") if "authors" in meta else ()
        by = meta.values.get("author") or ", ".join(authors)
        licence = meta.values.get("licenseName") or meta.values.get("licenseUrl")
        parts = [str(meta.values.get("title") or meta.values.get("name") or "")]
        parts += [f"by {by}"] if by else []
        parts += [f"licence: {licence}"] if licence else []
        return ", ".join(part for part in parts if part) or None
    return None


_Bind = tuple[str, int, int, float]
"""Expression, mesh, target, weight at 1."""


def _version_0(file: GltfFile) -> Iterator[_Bind]:
    master = _inside(file.json, "extensions", "VRM", "blendShapeMaster")
    for group in _list(master, "blendShapeGroups"):
        names = [str(group.values.get(key, "")) for key in ("name", "presetName")]
        name = next((n for n in names if named_channels([n]) or n in _BLINKS), None)
        for bind in _list(group, "binds") if name is not None else []:
            weight = bind.number("weight", 0, 100) * _PERCENT
            yield str(name), bind.integer("mesh"), bind.integer("index"), weight


def _version_1(file: GltfFile) -> Iterator[_Bind]:
    for kind in ("preset", "custom"):
        expressions = _inside(file.json, "extensions", "VRMC_vrm", "expressions", kind)
        for name in expressions.values if expressions is not None else ():
            assert expressions is not None
            for bind in _list(expressions.object(name), "morphTargetBinds"):
                node = file.one("nodes", bind, "node")
                if "mesh" in node:
                    mesh, target = node.integer("mesh"), bind.integer("index")
                    yield name, mesh, target, bind.number("weight", 0, 1)


def _inside(fields: Fields, *path: str) -> Fields | None:
    """The object that lies there; None where any step is absent."""
    for key in path:
        if key not in fields:
            return None
        fields = fields.object(key)
    return fields


def _list(fields: Fields | None, key: str) -> list[Fields]:
    return fields.objects(key) if fields is not None and key in fields else []
