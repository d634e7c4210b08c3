"""What tests of the training side share: templates, small solids, one thread."""

from dataclasses import replace
from pathlib import Path

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


@pytest.fixture(scope="session")
def ict_folder(tmp_path_factory) -> Path:
    """ICT-FaceKit's OBJ files; skips without them."""
    from support.ict import unpack_ict

    folder = unpack_ict(tmp_path_factory.mktemp("ict"))
    if folder is None:
        pytest.skip("real data 'ict_facekit' is not here (set MIEN_DATA to its folder)")
    return folder


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
    """A synthetic person of anny's, for images of one moment."""
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.synthetic.person import SyntheticPerson
    from mien_training.templates import load_template

    return SyntheticPerson.make(load_template("anny"), 3, texture_side=512)


@pytest.fixture(scope="session")
def stills(still_person):
    """Three images of them, observed."""
    from support.stills import three_stills

    from mien_training.footage.observations import observe

    return observe(three_stills(still_person))


@pytest.fixture
def short_recordings(monkeypatch):
    """Eight images of every scene that an animator is trained with, where the chain is tested."""
    from mien_training.animator import train
    from mien_training.animator.dataset import plan_jobs

    def jobs(*plan):
        return [replace(job, frames=8) for job in plan_jobs(*plan)]

    monkeypatch.setattr(train, "plan_jobs", jobs)


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


@pytest.fixture(scope="session")
def ball():
    from support.balls import make_ball

    return make_ball


@pytest.fixture(scope="session")
def joined():
    from support.balls import join

    return join


@pytest.fixture(scope="session")
def anny():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.templates import load_template

    return load_template("anny")


@pytest.fixture(scope="session")
def sphere():
    from support.sphere_head import latlong_sphere

    return latlong_sphere


@pytest.fixture(scope="session")
def head_template():
    from support.sphere_head import sphere_head_template

    return sphere_head_template()


@pytest.fixture(scope="session")
def plain_rig(head_template):
    """Every material one plain colour."""
    from support.sphere_head import rig_of

    from mien.rig import Material
    from mien_training.head import MATERIALS

    colours = ((0.5, 0.3, 0.2), (0.8, 0.8, 0.8), (0.9, 0.9, 0.8), (0.4, 0.1, 0.1), (0.6, 0.2, 0.2))
    return rig_of(
        head_template,
        tuple(Material(n, color=c) for n, c in zip(MATERIALS, colours, strict=True)),
    )


@pytest.fixture(scope="session")
def rig_with(head_template):
    """Call with materials: the head of spheres, so painted."""
    from support.sphere_head import rig_of

    return lambda materials: rig_of(head_template, materials)
