"""Heads out of glTF files: whatever tool wrote them, a template that stands upright."""
