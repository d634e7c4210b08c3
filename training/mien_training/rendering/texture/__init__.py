"""Textures of a head made of pictures of it."""
