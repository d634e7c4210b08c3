"""What a fit of a rig depends on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mien_training.footage.observations import Observations
from mien_training.head import Template
from mien_training.runs.content_key import content_digest, template_digest

__all__ = ["origin_of"]


def origin_of(config: Any, template: Template, seen: Observations) -> dict[str, Any]:
    """What a fit's result depends on: the dataclass `config`, and digests of all else."""
    return {
        "configuration": asdict(config),
        "template": template_digest(template),
        "footage": content_digest(seen),
    }
