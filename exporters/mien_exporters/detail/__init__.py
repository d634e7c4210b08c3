"""Skin detail for engines: networks, images, texture coordinates, the folder it comes from."""
