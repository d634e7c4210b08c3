"""Moments are read once; those without a head are remembered, and left out."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.capture import read_moments as room
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.first_mesh import FirstMeshConfig
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.morphable import sampled_heads
from mien_training.capture.read_moments import ReadingJob, read_moments


@pytest.fixture
def asked(monkeypatch, seen_head, anny):
    """Three moments: one that is read, one without a head, one far off; and who was asked."""
    asked = []
    moments = [SimpleNamespace(seed=s, images=seen_head.images, believed=seen_head.cameras,
                               vertices=seen_head.vertices) for s in (4, 5, 6)]  # fmt: skip
    data = SimpleNamespace(shards=2, seeds=lambda n: ((4, 5), (6,))[n],
                           shard=lambda n: iter((moments[:2], moments[2:])[n]))  # fmt: skip
    monkeypatch.setattr(room, "CaptureReader", lambda folder: data)

    def first_mesh(net, images, cameras, template, heads, first):
        seed = moments[len(asked) % 3].seed
        asked.append(seed)
        if seed == 5:
            raise InputError("nobody")
        off = 0.0 if seed == 4 else 0.1
        fit = SimpleNamespace(vertices=seen_head.vertices + np.float32(off))
        return SimpleNamespace(fit=fit)

    monkeypatch.setattr(room, "first_mesh", first_mesh)
    empty = MomentReading(
        np.zeros((1, 9, 2, 2), np.float16), np.eye(3)[None], np.eye(4)[None],
        np.zeros((1, 3), np.float32), np.zeros((1, 3), np.float32), np.zeros(1, np.float32),
        np.eye(4), np.zeros((1, 3), np.float32),
    )  # fmt: skip
    monkeypatch.setattr(room.MomentReading, "of", lambda first, truth: empty)
    return asked


def test_each_is_read_once(asked, anny, tmp_path):
    job = ReadingJob(None, anny, None, None)
    found = read_moments(job, tmp_path, 3, tmp_path / "read")
    assert [path.name for path in found] == ["4.npz"] and asked == [4, 5, 6]
    assert MomentReading.read(found[0]).maps.shape == (1, 9, 2, 2)
    assert read_moments(job, tmp_path, 3, tmp_path / "read") == found
    assert asked == [4, 5, 6]


def test_as_many_as_are_asked_for(asked, anny, tmp_path):
    assert len(read_moments(ReadingJob(None, anny, None, None), tmp_path, 1, tmp_path / "r")) == 1
    assert asked == [4]


def test_other_processes_read_the_same(moments, anny, tmp_path):
    torch.manual_seed(0)
    heads = sampled_heads(anny, range(4), 2)
    net = CorrespondenceNet((8, 16), 0).eval()
    job = ReadingJob(net, anny, heads, FirstMeshConfig(side=32, rays_per_view=60, polish=None))
    one, two = (
        read_moments(job, moments, 4, tmp_path / str(workers), workers=workers)
        for workers in (1, 2)
    )
    assert [path.name for path in one] == [path.name for path in two] != []
    for mine, other in zip(one, two, strict=True):
        a, b = MomentReading.read(mine), MomentReading.read(other)
        np.testing.assert_allclose(a.start, b.start, atol=1e-5)
        assert a.maps.shape == b.maps.shape
