"""Runtime detail: neutral is the static map, weights switch regions, broken images are named."""

import io

import numpy as np
import pytest
from PIL import Image
from support.packages import FEATURE_SIZE, tiny_content
from support.wrinkles import REGIONS, SIDE, sphere_detail, wrinkled_package

import mien
from mien.errors import InputError
from mien.package import package_bytes, read_package, verify_package


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return wrinkled_package(tmp_path_factory.mktemp("detail") / "sphere.mien")


@pytest.fixture(scope="module")
def character(path):
    return mien.load(path)


def test_the_package_is_sound(path):
    report = verify_package(path)
    assert report.ok, report.problems
    assert len(report.checked) == 2 + 2 + 1 + 6  # rig, animator, networks, masks, maps


def test_at_rest_it_is_the_static_map(character):
    maps = character.detail_maps(SIDE)
    run = sphere_detail()
    step = np.ptp(run.maps[0]) / 65535
    np.testing.assert_allclose(
        maps.displacement(np.zeros(len(REGIONS)), 1.0), run.maps[0], atol=step
    )
    np.testing.assert_allclose(
        maps.displacement(np.zeros(len(REGIONS))), 0.75 * run.maps[0], atol=step
    )


def test_a_region_moves_its_own_texels_only(character):
    maps = character.detail_maps(SIDE)
    rest = maps.displacement(np.zeros(4), 1.0)
    for sign, part in ((-1, 1), (1, 2)):
        weights = np.array([0.5 * sign, 0, 0, 0], np.float32)
        change = maps.displacement(weights, 1.0) - rest
        quarter = SIDE // 2
        assert not change[quarter + 1 :].any() and not change[:, quarter + 1 :].any()
        inner = (slice(0, quarter - 2), slice(0, quarter - 2))
        np.testing.assert_allclose(
            change[inner], 0.5 * sphere_detail().maps[part][inner], atol=2e-8
        )


def test_frames_carry_the_weights(character):
    features = np.random.default_rng(0).normal(0, 0.3, (5, FEATURE_SIZE))
    session = character.session(neutral=np.zeros(FEATURE_SIZE))
    frames = [session.step(x, 0.1 * t) for t, x in enumerate(features)]
    for frame in frames:
        expected = character.wrinkles.weights(frame.channels)
        np.testing.assert_array_equal(frame.detail, expected)
        assert frame.detail.shape == (len(REGIONS),) and np.abs(frame.detail).max() <= 1
    assert np.abs(frames[-1].detail).max() > 0
    assert character.detail_names == REGIONS
    batch = character.wrinkles.weights(np.stack([f.channels for f in frames]))
    np.testing.assert_allclose(batch, [f.detail for f in frames], atol=1e-6)


def test_a_character_without_detail_says_so(tmp_path):
    plain = mien.load(package_bytes(*tiny_content()))
    assert plain.wrinkles is None and plain.detail_names == ()
    assert plain.session().step(np.zeros(FEATURE_SIZE), 0.0).detail.shape == (0,)
    with pytest.raises(InputError, match="has no skin detail"):
        plain.detail_maps()


@pytest.mark.parametrize(
    "weights", [np.zeros(3), np.full(4, np.nan), np.zeros((1, 4))], ids=["few", "nan", "batch"]
)
def test_other_weights_are_refused(character, weights):
    with pytest.raises(InputError, match="weights of shape"):
        character.detail_maps().displacement(weights)
    with pytest.raises(InputError, match="channels"):
        character.wrinkles.weights(np.full(3, np.nan))
    with pytest.raises(InputError, match="channels have shape"):
        character.wrinkles.weights(np.zeros(5))


@pytest.mark.parametrize("intensity", [np.nan, np.inf, 1e39])
def test_an_intensity_that_is_no_number_is_refused(character, intensity):
    with pytest.raises(InputError, match="intensity is"), np.errstate(over="ignore"):
        character.detail_maps().displacement(np.zeros(4), intensity)


def png(pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("detail/static_displacement_32.png", b"not a picture"),
        ("detail/static_displacement_32.png", png(np.zeros((32, 32), np.uint8))),
        ("detail/static_displacement_32.png", png(np.zeros((16, 16), np.uint16))),
        ("detail/static_normal_32.png", png(np.zeros((32, 16, 3), np.uint8))),
        ("detail/regions.png", png(np.zeros((16, 16, 3), np.uint8))),
    ],
    ids=["noise", "8 bit", "size", "normal", "masks"],
)
def test_broken_images_are_named(path, name, data):
    package = read_package(path)
    files = {n: package.read_bytes(n) for n in package.manifest.files} | {name: data}
    report = verify_package(package_bytes(package.manifest, files))
    assert not report.ok and name in report.problems[0], report


def test_clips_carry_the_weights_too(character):
    from mien.clip import Clip

    values = np.random.default_rng(1).random((3, 3)).astype(np.float32)
    clip = Clip(character.channel_names, np.arange(3) / 30, values)
    frames = list(character.drive(clip))
    expected = character.wrinkles.weights(values)
    np.testing.assert_allclose([f.detail for f in frames], expected, atol=1e-6)


def test_masks_lie_in_memory_as_blending_reads_them(character):
    """Otherwise every blend copies all of them first."""
    masks = character.detail_maps(SIDE).masks
    assert masks.flags.c_contiguous and masks.dtype == np.float32


def test_no_weights_lift_the_skin_beyond_its_span(character):
    maps = character.detail_maps(SIDE)
    low_m, high_m = maps.span_m
    rng = np.random.default_rng(0)
    extremes = [np.ones(4), -np.ones(4), np.zeros(4)]
    heights = [maps.displacement(w) for w in (*rng.uniform(-1, 1, (20, 4)), *extremes)]
    rounding = 1e-9
    assert low_m <= np.min(heights) + rounding and np.max(heights) <= high_m + rounding
    # Nor is it any wider: the masks are level inside, where full weights reach its ends.
    np.testing.assert_allclose((np.min(heights), np.max(heights)), maps.span_m, rtol=0.05)


def test_maps_larger_than_asked_for_are_refused(character):
    with pytest.raises(InputError, match="no displacement of at most 16"):
        character.detail_maps(16)


def test_networks_that_give_anything_else_are_refused():
    from onnx import TensorProto, helper

    from mien.errors import MienError
    from mien.wrinkle_model import WrinkleModel

    def value(name, size):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])

    node = helper.make_node("Log", ["channels"], ["weights"], "log")
    graph = helper.make_graph([node], "bad", [value("channels", 2)], [value("weights", 2)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    bad = WrinkleModel(model.SerializeToString(), ("a", "b"), ("x", "y"))
    with pytest.raises(MienError, match="finite"):
        bad.weights([-1.0, 0.5])
