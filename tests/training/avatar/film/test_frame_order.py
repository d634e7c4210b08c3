"""Every frame comes once a round, in another order every time."""

from mien_training.avatar.film.frame_order import frame_of_step


def test_every_frame_comes_once_a_round():
    frames = [frame_of_step(step, 7, 3, 29) for step in range(21)]
    rounds = [frames[:7], frames[7:14], frames[14:]]
    assert all(sorted(one) == list(range(7)) for one in rounds)
    assert rounds[0] != rounds[1] and rounds[1] != rounds[2]
    assert frames != [frame_of_step(step, 7, 4, 29) for step in range(21)]
    assert frames != [frame_of_step(step, 7, 3, 30) for step in range(21)]


def test_the_orders_of_either_kind_stay():
    """A checkpoint of an earlier version goes on with its own frames."""
    assert [frame_of_step(step, 5, 0, 29) for step in range(5)] == [3, 4, 0, 1, 2]
    assert [frame_of_step(step, 5, 0, 30) for step in range(5)] == [4, 1, 3, 0, 2]
