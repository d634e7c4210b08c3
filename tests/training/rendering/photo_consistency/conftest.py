"""Three images of one moment of a synthetic person, and places that they show."""

import pytest
import torch


@pytest.fixture(scope="module")
def pictures(stills):
    from mien_training.rendering.photo_consistency.pictures import Pictures

    size = tuple(stills.images.shape[1:3])
    return Pictures(stills.views, stills.camera, size, stills.masks)


@pytest.fixture(scope="module")
def compared(anny):
    from mien_training.templates.regions import compared_triangles

    return torch.from_numpy(compared_triangles(anny, False))


@pytest.fixture(scope="module")
def places(anny, still_person, pictures, compared):
    from mien_training.rendering.photo_consistency.places import visible_places

    faces = torch.from_numpy(anny.triangles).long()
    vertices = torch.from_numpy(still_person.neutral)
    rng = torch.Generator().manual_seed(0)
    found = visible_places(vertices, faces, compared, pictures, (256, 256), 2000, rng)
    return vertices, faces, found
