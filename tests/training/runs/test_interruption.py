"""A run that is told to end says how it goes on."""

import os
import signal
import threading

import pytest

from mien_training.runs.interruption import interruptible


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_signals_end_a_run_alike(tmp_path, capsys, name):
    usual = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interruptible(tmp_path / "run"):
        signal.raise_signal(getattr(signal, name))
    assert "interrupted; the same command goes on" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is usual


def test_other_threads_run_without_signals(tmp_path):
    ran = []

    def work() -> None:
        with interruptible(tmp_path):
            ran.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [1]


def test_nothing_is_said_of_a_run_that_ends_by_itself(tmp_path, capsys):
    with interruptible(tmp_path):
        pass
    assert capsys.readouterr().err == ""
