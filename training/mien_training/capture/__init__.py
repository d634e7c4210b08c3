"""Heads from synchronous images of calibrated cameras, in the template's topology."""
