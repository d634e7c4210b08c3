"""Every moment and every view is read once, in any order, from whole files only."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.runs.shards import shard_path
from mien_training.synthetic.capture import CaptureReader, draw_moment


def test_moments_come_back_as_they_were_drawn(dataset, dataset_spec, anny):
    read = list(CaptureReader(dataset))
    assert [moment.seed for moment in read] == [4, 5, 6]
    drawn = draw_moment(dataset_spec.moment, anny, 5)
    np.testing.assert_array_equal(read[1].images, drawn.images)
    np.testing.assert_array_equal(read[1].vertices, drawn.vertices)
    np.testing.assert_allclose(read[1].canonical, drawn.canonical, atol=4e-6)


def test_a_shuffle_holds_every_moment_once(dataset):
    reader = CaptureReader(dataset)
    orders = {tuple(m.seed for m in reader.moments(seed)) for seed in range(8)}
    assert all(sorted(order) == [4, 5, 6] for order in orders) and len(orders) > 1
    assert [m.seed for m in reader.moments(1)] == [m.seed for m in reader.moments(1)]


def test_batches_hold_every_view_once(dataset):
    reader = CaptureReader(dataset)
    expected = {(m.seed, image.tobytes()) for m in reader for image in m.images}
    for size in (1, 2, 100):
        found = []
        for batch in reader.batches(size, 3):
            assert 1 <= len(batch.images) <= size
            assert batch.canonical.shape == (*batch.mask.shape, 3)
            assert len(batch.cameras) == len(batch.seeds) == len(batch.images)
            found += list(
                zip(batch.seeds.tolist(), (i.tobytes() for i in batch.images), strict=True)
            )
        assert len(found) == len(set(found)) == len(expected) and set(found) == expected
    with pytest.raises(InputError, match="size 0"):
        next(reader.batches(0, 1))


def test_what_is_no_data_set_or_damaged_is_refused(dataset, tmp_path):
    with pytest.raises(InputError, match="not a data set of captured moments"):
        CaptureReader(tmp_path)
    for path in dataset.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    shard_path(tmp_path, 0).write_bytes(b"PK nonsense")
    reader = CaptureReader(tmp_path)
    assert len(list(reader.shard(1))) == 1
    with pytest.raises(InputError, match=r"000000\.npz: damaged"):
        list(reader.shard(0))
