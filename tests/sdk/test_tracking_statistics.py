import numpy as np
import pytest

from mien.tracking_statistics import TrackingStatistics


@pytest.mark.parametrize("count", [1, 7, 500])
def test_quantiles_are_those_of_the_list_to_a_thousandth(count):
    presences = np.random.default_rng(count).random(count)
    statistics = TrackingStatistics()
    for presence in presences:
        statistics.add(presence)
    for quantile in (0.05, 0.5, 1.0):
        expected = np.quantile(presences, quantile, method="inverted_cdf")
        assert statistics.presence(quantile) == pytest.approx(expected, abs=6e-4)


def test_lost_images_count_and_have_no_presence():
    statistics = TrackingStatistics()
    statistics.add(None)
    assert (statistics.frames, statistics.tracked, statistics.presence(0.5)) == (1, 0, None)
    assert str(statistics) == "no face in 1 images"
    statistics.add(0.8)
    assert str(statistics) == "1 of 2 tracked, presence median 0.80, 5 % below 0.80"
    assert statistics.report() == {
        "tracked": 1, "dropped": 0, "presence_median": 0.8, "presence_p5": 0.8,
    }  # fmt: skip
