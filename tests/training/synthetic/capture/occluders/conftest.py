"""What is worn by the template's own head."""

import pytest


@pytest.fixture(scope="session")
def skin_of(anny):
    """Call with points (N, 3): how far each is outside the head, metres; negative inside."""
    from mien_training.geometry.signed_distance import signed_distance

    return lambda points: signed_distance(anny.vertices, anny.triangles, points)
