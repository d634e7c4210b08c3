"""A folder holds one data set; what is missing of it is made, and nothing else."""

import json

import pytest

from mien.errors import InputError
from mien_training.runs import shards
from mien_training.runs.progress import Progress
from mien_training.runs.shards import (
    KEY_FILE,
    claim_folder,
    make_shards,
    read_claim,
    shard_path,
)


def test_a_claim_is_read_back_once_all_is_there(tmp_path):
    folder = tmp_path / "new" / "data"
    claim_folder(folder, "k1", {"size": 3}, 2)
    claim_folder(folder, "k1", {"size": 3}, 2)
    with pytest.raises(InputError, match="2 of 2 shards are not made yet"):
        read_claim(folder, "things")
    for n in range(2):
        shard_path(folder, n).write_bytes(b"")
    assert read_claim(folder, "things") == ("k1", 2, {"size": 3})


def test_another_claim_or_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a data set of things"):
        read_claim(tmp_path, "things")
    claim_folder(tmp_path, "k1", {}, 1)
    with pytest.raises(InputError, match="another spec"):
        claim_folder(tmp_path, "k2", {}, 1)
    for text in ("nonsense", "[]", json.dumps({"key": "k1"}), json.dumps({"shards": 1})):
        (tmp_path / KEY_FILE).write_text(text)
        with pytest.raises(InputError, match="not a data set of things"):
            read_claim(tmp_path, "things")


def test_only_what_is_missing_is_made(tmp_path, monkeypatch):
    def run(work, jobs, workers, report):
        for done, job in enumerate(jobs, 1):
            work(job)
            report(Progress("", done, len(jobs)))

    monkeypatch.setattr(shards, "run_in_processes", run)
    shard_path(tmp_path, 1).write_bytes(b"")
    made, heard = [], []
    make_shards(
        tmp_path, made.append, ["a", "b", "c"], 1, lambda p: heard.append((p.done, p.total))
    )
    assert made == ["a", "c"] and heard == [(2, 3), (3, 3)]
