import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_animator import SmallAnimator

from mien.errors import InputError
from mien.filters import OneEuroConfig
from mien.session import Session, SessionOptions
from mien.tracker.features import FeatureLayout

LAYOUT = FeatureLayout(("scores",))
NAMES = ("jawOpen", "mouthClose")
HEAD, BODY = 28, 40


def make_session(
    layout=LAYOUT, names=NAMES, hidden=5, neutral=None, calibration_frames=3, smoothing=None
):
    animator = SmallAnimator(layout.size + 1, len(names), hidden)
    options = SessionOptions(calibration_frames=calibration_frames, smoothing=smoothing)
    return Session(animator, layout, names, options, neutral)


def token(steps: int = 2) -> bytes:
    session = make_session()
    rng = np.random.default_rng(0)
    for i in range(steps):
        session.step(rng.random(LAYOUT.size, np.float32), i / 30)
    return session.snapshot()


def resealed(data: bytes, offset: int, format: str, value: float) -> bytes:
    """The snapshot with one value changed and its checksum made right again."""
    body = bytearray(data[HEAD:])
    struct.pack_into(format, body, offset, value)
    return data[:24] + struct.pack("<I", zlib.crc32(body)) + bytes(body)


def test_tokens_are_small_once_calibrated():
    assert len(token(3)) < 400


@pytest.mark.parametrize("steps", [0, 1, 3, 5])
@pytest.mark.parametrize("frames", [0, 3])
def test_round_trip_at_every_stage(steps, frames):
    one, two = (make_session(calibration_frames=frames) for _ in range(2))
    for i in range(steps):
        one.step(np.full(LAYOUT.size, 0.1 * i, np.float32), i / 30)
    two.restore(one.snapshot())
    assert two.snapshot() == one.snapshot()
    assert two.calibrating == one.calibrating


@pytest.mark.parametrize("options", [{}, {"calibration_frames": 0}, {"smoothing": OneEuroConfig()}])
def test_the_size_is_known_beforehand(options):
    session = make_session(**options)
    for i in range(5):
        assert session.snapshot_bytes == len(session.snapshot())
        session.step(np.full(LAYOUT.size, 0.1 * i, np.float32), i / 30)


def test_a_calibration_that_watches_for_longer_than_allowed_is_refused():
    one, two = make_session(), make_session()
    one.calibrate(frames=600)
    with pytest.raises(InputError, match="watches 600 frames, expected at most 120"):
        two.restore(one.snapshot(), max_frames=120)
    one.calibrate(frames=120)
    two.restore(one.snapshot(), max_frames=120)
    two.restore(token(3), max_frames=2)  # it is over: watches nothing any more


@pytest.mark.parametrize(
    "other",
    [
        {"layout": FeatureLayout(("scores", "head_rotation"))},
        {"names": ("jawOpen", "jawLeft")},
        {"hidden": 6},
        {"calibration_frames": 4},
        {"smoothing": OneEuroConfig()},
    ],
)
def test_another_character_or_other_options_are_refused(other):
    with pytest.raises(InputError, match="another character or other options"):
        make_session(**other).restore(token())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes that are not"),
        (b"x" * 500, "not a session's snapshot"),
        (b"MIENSES3" + token()[8:], "version b'3'"),
        (token()[:-1], "checksum"),
        (token() + b"\0", "checksum"),
        (resealed(token(), 24, "<I", 0), "counts"),
        (resealed(token(), 28, "<I", 2**31), "counts"),
        (resealed(token(), 28, "<I", 1), "do not hold"),
        (resealed(token(), 32, "<I", 7), "counts"),
        (resealed(token(), 36, "<I", 1), "do not hold"),
        (resealed(token(), 16, "<d", 2.0), "no session has"),
        (resealed(token(), 0, "<d", np.inf), "no session has"),
        (resealed(token(), BODY, "<f", 1e30), "no session has"),
        (resealed(token(), 0, "<d", np.nan), "impossible"),
        (resealed(token(), 8, "<d", 9.0), "impossible"),
        (resealed(token(), BODY, "<f", np.nan), "no session has"),
    ],
)
def test_damaged_snapshots_are_refused(data, message):
    session = make_session()
    before = session.snapshot()
    with pytest.raises(InputError, match=message):
        session.restore(data)
    assert session.snapshot() == before


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=8), st.integers(0, 10_000), st.booleans())
def test_any_bytes_give_an_input_error_or_a_usable_session(patch, at, reseal):
    data = bytearray(token())
    at %= len(data)
    data[at : at + len(patch)] = patch[: len(data) - at]
    if reseal:
        data[24:28] = struct.pack("<I", zlib.crc32(data[HEAD:]))
    session = make_session()
    try:
        session.restore(bytes(data))
    except InputError:
        return
    state = session.state
    frame = session.step(None, (state.time_s or 0.0) + 1.0)
    assert np.isfinite(frame.channels).all()
