"""A token comes back as it was packed, or not at all."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import InputError
from mien.service.resume_token import pack_token, token_size, unpack_token

PACKAGE = "ab" * 32
STATES = st.dictionaries(st.text(max_size=8), st.binary(max_size=40), max_size=4)


@given(STATES)
def test_there_and_back(states):
    token = pack_token(PACKAGE, states)
    assert list(unpack_token(token, PACKAGE).items()) == list(states.items())
    assert token_size((name, len(state)) for name, state in states.items()) == len(token)


@given(STATES, st.data())
def test_any_damage_is_noticed(states, data):
    token = pack_token(PACKAGE, states)
    place = data.draw(st.integers(0, len(token) - 1))
    flipped = data.draw(st.integers(1, 255))
    bad = token[:place] + bytes([token[place] ^ flipped]) + token[place + 1 :]
    for damaged in (bad, token[:place], token + b"x"):
        with pytest.raises(InputError, match="resume_token"):
            unpack_token(damaged, PACKAGE)


def test_another_package():
    with pytest.raises(InputError, match="another character"):
        unpack_token(pack_token(PACKAGE, {}), "cd" * 32)


@pytest.mark.parametrize(
    ("count", "body"),
    [
        (1, b""),
        (1, struct.pack("<II", 1, 2**32 - 1) + b"a"),
        (1, struct.pack("<II", 1, 0) + b"\xff"),
        (2, (struct.pack("<II", 1, 1) + b"ab") * 2),
        (0, b"rest"),
    ],
)
def test_forgeries_with_a_right_checksum(count, body):
    content = struct.pack("<8s32sI", b"MIENRES1", bytes.fromhex(PACKAGE), count) + body
    with pytest.raises(InputError, match="damaged"):
        unpack_token(content + struct.pack("<I", zlib.crc32(content)), PACKAGE)
