"""Scanned heads as files have them, and meshes that were registered to them."""
