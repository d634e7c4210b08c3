"""Commands in processes of their own, which are killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

_PATIENCE_S = 120.0
"""A command that does not come there in this time never will."""


def wait_until(there: Callable[[], bool]) -> None:
    """Fails when it is not in two minutes."""
    end = time.monotonic() + _PATIENCE_S
    while not there():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def start_mien(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """`mien ...` with as many threads as this process has: sums depend on their number.

    torch's can be set in a running process, numpy's are those that it began with.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    began = os.environ.get("OMP_NUM_THREADS") or str(cores)
    environment = {
        "OPENBLAS_NUM_THREADS": began,
        **os.environ,
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    return subprocess.Popen([sys.executable, "-m", "mien", *arguments], env=environment)


def kill_mien_when(there: Callable[[], bool], arguments: Sequence[str]) -> None:
    """Start a command and kill it, as nothing can prevent, as soon as `there` says so."""
    process = start_mien(arguments)
    try:
        wait_until(lambda: there() or process.poll() is not None)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it was killed"


def finish_mien(arguments: Sequence[str]) -> None:
    """Run a command to its end."""
    assert start_mien(arguments).wait() == 0
