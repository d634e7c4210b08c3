"""A trained network as a few Gaussian blendshapes, which a vertex shader can add up."""
