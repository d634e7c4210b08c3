import numpy as np
import pytest

from mien.row_buffer import RowBuffer


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 3000])
def test_rows_come_out_as_they_went_in(count):
    values = np.random.default_rng(0).random((count, 5), np.float32)
    rows = RowBuffer(5)
    for i, row in enumerate(values):
        rows.append(i / 30, row)
    assert len(rows) == count
    np.testing.assert_array_equal(rows.values, values)
    np.testing.assert_array_equal(rows.times_s, np.arange(count) / 30)
    assert rows.values.dtype == np.float32 and rows.times_s.dtype == np.float64
    if count:
        time_s, row = rows.row(count - 1)
        assert time_s == (count - 1) / 30
        np.testing.assert_array_equal(row, values[-1])


def test_an_interrupted_row_does_not_count():
    rows = RowBuffer(2)
    rows.append(0.0, [1, 2])

    class Interrupts:
        def __array__(self, *_, **__):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rows.append(1.0, Interrupts())
    assert len(rows) == 1
    rows.append(2.0, [3, 4])
    np.testing.assert_array_equal(rows.times_s, [0.0, 2.0])
    np.testing.assert_array_equal(rows.values, [[1, 2], [3, 4]])
