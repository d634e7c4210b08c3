"""SIGTERM ends a recording as Ctrl-C does, and other threads may record too."""

import os
import signal
import threading

import pytest

from mien.interruption import sigterm_interrupts


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_sigterm_is_an_interrupt_within_the_block_only():
    usual = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), sigterm_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is usual


def test_threads_beside_the_main_one_work_without_signals():
    handlers = []

    def work() -> None:
        with sigterm_interrupts():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGTERM)]
