"""An atlas over all that a head shows; its texels are what a photoreal head is anchored to."""

from mien_training.avatar.anchors.atlas import AnchorAtlas
from mien_training.avatar.anchors.hair_layers import HairLayers
from mien_training.avatar.anchors.torch_anchors import TorchAnchors, TorchPoses

__all__ = ["AnchorAtlas", "HairLayers", "TorchAnchors", "TorchPoses"]
