"""Entries come back whole or not at all."""

import pytest

from mien.errors import InputError
from mien_training.runs.cache import Cache, CacheWarning
from mien_training.runs.content_key import content_digest

KEY, OTHER = content_digest("mine"), content_digest("other")


def test_an_entry_is_made_once(tmp_path):
    made = []

    def make() -> bytes:
        made.append(1)
        return b"content"

    cache = Cache(tmp_path / "deep" / "cache")
    assert cache.read(KEY) is None
    assert [cache.get(KEY, make) for _ in range(3)] == [b"content"] * 3 and len(made) == 1
    assert Cache(cache.folder).get(KEY, make) == b"content" and len(made) == 1
    assert cache.get(OTHER, lambda: b"") == b"" and cache.read(OTHER) == b""


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign", "magic"])
def test_a_damaged_entry_is_made_anew_with_a_warning(tmp_path, damage):
    cache = Cache(tmp_path)
    cache.write(KEY, b"content")
    whole = cache.path(KEY).read_bytes()
    cache.path(KEY).write_bytes(
        {
            "flip": whole[:-1] + b"T", "cut": whole[:-1], "empty": b"", "foreign": b"content",
            "magic": whole[:20],
        }[damage]
    )  # fmt: skip
    with pytest.warns(CacheWarning, match=rf"{KEY}.*damaged"):
        assert cache.get(KEY, lambda: b"new") == b"new"
    assert cache.read(KEY) == b"new"


def test_what_fails_while_being_made_leaves_nothing(tmp_path):
    cache = Cache(tmp_path)

    def fail() -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.get(KEY, fail)
    assert not list(tmp_path.iterdir())


def test_keys_are_digests_and_folders_folders(tmp_path):
    for key in ("../escape", "", KEY.upper(), KEY + "0"):
        with pytest.raises(InputError, match="SHA-256"):
            Cache(tmp_path).read(key)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be a cache's folder"):
        Cache(tmp_path / "file")
