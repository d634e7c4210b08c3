"""Footage as an avatar learns from it."""
