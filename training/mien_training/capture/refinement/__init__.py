"""Corrections of a first mesh from what views show around it."""
