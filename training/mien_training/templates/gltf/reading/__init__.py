"""A glTF file of any origin as arrays in world space, its shapes by name."""
