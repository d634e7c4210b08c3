"""Photoreal heads anchored to the rig's mesh."""
