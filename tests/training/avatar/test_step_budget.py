"""Minutes become steps once: by the pace of the steps after the first, and the same ever after."""

import pytest

from mien.errors import InputError
from mien_training.avatar.step_budget import PROBED, steps_for
from mien_training.runs.progress import Progress


class Machine:
    """A clock that training moves: slow at first, one step in the middle disturbed."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s, self.calls = 100.0, step_s, 0

    def clock(self) -> float:
        return self.now_s

    def train(self, report) -> None:
        self.calls += 1
        for step in range(PROBED):
            slow = 30 if step < 3 else 5 if step == 7 else 1
            self.now_s += slow * self.step_s
            report(Progress("training", step + 1, PROBED, {}))


@pytest.mark.parametrize(("minutes", "step_s", "steps"), [(10, 0.05, 12000), (0.5, 0.25, 120)])
def test_steps_fill_the_minutes(tmp_path, minutes, step_s, steps):
    machine = Machine(step_s)
    found = steps_for(tmp_path / "steps.json", "splats", minutes, machine.train, machine.clock)
    assert found == steps


def test_twice_the_minutes_are_twice_the_steps_and_never_none(tmp_path):
    machine = Machine(0.125)
    once, twice, least = (
        steps_for(tmp_path / str(minutes), "volume", minutes, machine.train, machine.clock)
        for minutes in (3, 6, 1e-6)
    )
    assert (twice, least) == (2 * once, 1)


def test_a_run_that_goes_on_has_the_same_steps(tmp_path):
    path, fast, slow = tmp_path / "steps.json", Machine(0.05), Machine(0.5)
    first = steps_for(path, "splats", 10, fast.train, fast.clock)
    other = steps_for(path, "volume", 10, slow.train, slow.clock)
    again = steps_for(path, "splats", 10, slow.train, slow.clock)
    assert again == first == 10 * other and (fast.calls, slow.calls) == (1, 1)


@pytest.mark.parametrize("text", ["", "[1]", '{"splats": 0}', '{"splats": "many"}', '{"a": true}'])
def test_a_damaged_file_is_named(tmp_path, text):
    path, machine = tmp_path / "steps.json", Machine(1.0)
    path.write_text(text)
    with pytest.raises(InputError, match=r"steps\.json: does not hold steps"):
        steps_for(path, "splats", 1, machine.train, machine.clock)
    assert machine.calls == 0
