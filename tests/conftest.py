"""What all tests share: where the optional real data lies."""

import os
import signal
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]

if "PYTEST_XDIST_WORKER" in os.environ:  # before numpy and torch: every core has a worker already
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in background jobs of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)


def find_shared_data(relative: str) -> Path | None:
    """The real file or folder `relative`, of docs/data.md below $MIEN_DATA; None if absent."""
    base = Path(os.environ.get("MIEN_DATA", _ROOT.parent / "shared" / "data"))
    path = base / relative
    return path if path.exists() else None


@pytest.fixture
def shared_data():
    """Call with a path below the data folder; skips the test when it is not there."""

    def find(relative: str) -> Path:
        path = find_shared_data(relative)
        if path is None:
            pytest.skip(f"real data {relative!r} is not here (set MIEN_DATA to its folder)")
        return path

    return find
