"""A head as a radiance field on posed anchors, drawn without torch (MonoAvatar, 2023)."""
