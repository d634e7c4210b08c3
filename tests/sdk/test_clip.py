import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.channels import ARKIT_CHANNELS, LIVE_LINK_CSV
from mien.clip import Clip
from mien.errors import ChannelError, InputError


def make_clip(count: int = 5, names: tuple[str, ...] = ARKIT_CHANNELS, seed: int = 0) -> Clip:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.02, 0.05, count))
    return Clip(names, times, rng.random((count, len(names)), np.float32), timecode_s=3661.5)


def test_npz_keeps_everything(tmp_path):
    clip = make_clip()
    clip.write(tmp_path / "take.npz")
    back = Clip.read(tmp_path / "take.npz")
    assert back.names == clip.names and back.timecode_s == clip.timecode_s
    np.testing.assert_array_equal(back.times_s, clip.times_s)
    np.testing.assert_array_equal(back.values, clip.values)


def test_npz_bytes_are_deterministic(tmp_path):
    for name in ("a.npz", "b.npz"):
        make_clip().write(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@given(st.integers(0, 2**32 - 1), st.floats(5, 120))
def test_resampling_is_linear_in_time(seed, rate_hz):
    clip = make_clip(12, ("jawOpen", "cheekPuff"), seed)
    line = Clip(clip.names, clip.times_s, np.stack([clip.times_s, 1 - clip.times_s], axis=1))
    even = line.resample(rate_hz)
    assert even.times_s[0] == clip.times_s[0] and even.times_s[-1] <= clip.times_s[-1] + 1e-6
    np.testing.assert_allclose(np.diff(even.times_s), 1 / rate_hz, atol=1e-12)
    np.testing.assert_allclose(even.values[:, 0], even.times_s, atol=1e-6)


def test_resampling_to_its_own_rate_changes_nothing():
    times = np.arange(90) / 30
    clip = Clip(("jawOpen",), times, np.random.default_rng(0).random((90, 1)))
    np.testing.assert_allclose(clip.resample(30).values, clip.values, atol=1e-6)


def test_select_and_item_go_by_name_in_any_spelling():
    clip = make_clip()
    pascal = clip.select(("JawOpen", "eyeBlink_L", "headYaw"), missing=0.0)
    assert pascal.names == ("JawOpen", "eyeBlink_L", "headYaw")
    np.testing.assert_array_equal(pascal.values[:, 1], clip["eyeBlinkLeft"])
    assert not pascal["headYaw"].any()
    with pytest.raises(ChannelError, match="headYaw"):
        clip.select(("headYaw",))


def test_between_and_rates():
    clip = Clip(("jawOpen",), np.arange(30) / 30, np.zeros((30, 1)))
    part = clip.between(0.5, 0.6)
    assert part.times_s.tolist() == [15 / 30, 16 / 30, 17 / 30]
    assert clip.rate_hz == pytest.approx(30) and clip.duration_s == pytest.approx(29 / 30)
    with pytest.raises(InputError, match="no time lies"):
        clip.between(5, 6)


@pytest.mark.parametrize(
    ("names", "times", "values", "error", "message"),
    [
        (("a",), [0, 1], [[0], [0], [0]], InputError, "do not fit"),
        (("a",), [], np.zeros((0, 1)), InputError, "at least one"),
        (("a", "a"), [0], [[0, 0]], ChannelError, "'a' is there twice"),
        (("a",), [0, 0], [[0], [0]], InputError, "time 1"),
        (("a",), [0, -1], [[0], [0]], InputError, "time 1"),
        (("a",), [0, np.nan], [[0], [0]], InputError, "finite"),
        (("a", "b"), [0, 1], [[0, 0], [0, np.inf]], InputError, "b is not finite at time 1"),
    ],
)
def test_impossible_clips(names, times, values, error, message):
    with pytest.raises(error, match=message):
        Clip(names, np.array(times), np.array(values))


def test_foreign_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Clip.read(tmp_path / "absent.npz")
    with pytest.raises(InputError, match=r"\.csv or \.npz"):
        Clip.read(tmp_path / "take.bvh")
    (tmp_path / "text.npz").write_text("no zip")
    with pytest.raises(InputError, match="not a clip in NPZ form"):
        Clip.read(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    with pytest.raises(InputError, match="names"):
        Clip.read(tmp_path / "other.npz")
    np.savez(
        tmp_path / "pickle.npz", names=np.array([{}]), times_s=np.zeros(1), values=np.zeros((1, 1))
    )
    with pytest.raises(InputError, match="not a clip"):
        Clip.read(tmp_path / "pickle.npz")


def npz(path, header):
    """A clip's file whose values are a header alone."""
    np.savez(path, names=np.array(["jawOpen"]), times_s=np.zeros(1))
    text = header.encode() + b" " * (-len(header) % 64 + 53) + b"\n"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("values.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text)


@pytest.mark.parametrize("shape", ["(10000000000000, 1)", "(0, 1000000000000000000000)", "(-1, 1)"])
def test_a_header_that_claims_more_than_there_is(shape, tmp_path):
    npz(tmp_path / "a.npz", f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}")
    with pytest.raises(InputError, match=r"a\.npz: not a clip in NPZ form"):
        Clip.read(tmp_path / "a.npz")


def test_a_header_that_python_cannot_parse(tmp_path):
    npz(tmp_path / "a.npz", "-" * 9000 + "1")
    with pytest.raises(InputError, match=r"a\.npz: not a clip in NPZ form"):
        Clip.read(tmp_path / "a.npz")


def test_a_failed_write_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "take.csv"
    make_clip().write(path)
    before = path.read_bytes()
    with pytest.raises(ChannelError, match="no column for myCrease"):
        make_clip(names=("jawOpen", "myCrease")).write(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="cannot be written"):
        make_clip().write(tmp_path / "no folder" / "take.npz")


def test_a_csv_always_has_its_61_columns(tmp_path):
    make_clip(names=("jawOpen", "mouthLeft")).write(tmp_path / "take.csv")
    back = Clip.read(tmp_path / "take.csv")
    assert len(back.names) == len(LIVE_LINK_CSV)
    assert back["mouthLeft"].any() and not back["mouthRight"].any()
