"""Processes: all jobs are done, errors keep their type, a dead worker has a name."""

import os
import signal
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest
from support.killed_runs import is_alive, wait_until

from mien.errors import InputError, MienError
from mien_training.runs.worker_pool import run_in_processes


def write(job):
    folder, number = job
    Path(folder, str(number)).write_text(os.environ["OMP_NUM_THREADS"])


def fail(job):
    raise InputError(f"job {job}: bad input")


def die_once(job):
    folder, number = job
    marker = Path(folder, "died")
    if number == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    Path(folder, str(number)).touch()


def test_all_jobs_are_done_by_any_number_of_processes(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    heard = []
    run_in_processes(
        write, [(str(tmp_path), n) for n in range(5)], 2, lambda p: heard.append((p.done, p.total))
    )
    assert sorted(heard) == [(n, 5) for n in range(1, 6)]
    assert sorted(p.name for p in tmp_path.iterdir()) == list("01234")
    assert {p.read_text() for p in tmp_path.iterdir()} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_an_error_keeps_its_type_and_message():
    with pytest.raises(InputError, match="job 3: bad input"):
        run_in_processes(fail, [3], 1)


def test_a_killed_worker_is_a_typed_error_and_the_next_call_goes_on(tmp_path):
    def todo():
        return [(str(tmp_path), n) for n in range(4) if not (tmp_path / str(n)).exists()]

    with pytest.raises(MienError, match=r"a worker process died.*call again"):
        run_in_processes(die_once, todo(), 1)
    left = len(todo())
    assert 0 < left < 4
    run_in_processes(die_once, todo(), 1)
    assert not todo()


def keep_alive(folder):
    """Say which process this is, and work for longer than any test."""
    Path(folder, f"worker-{os.getpid()}").touch()
    time.sleep(600)


def run_kept_alive(folder):
    run_in_processes(keep_alive, [folder] * 2, 2)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_workers_end_when_their_parent_is_killed(tmp_path):
    """They hold a template and a renderer each: left behind, they would fill the memory."""
    parent = get_context("spawn").Process(target=run_kept_alive, args=(str(tmp_path),))
    parent.start()

    def workers():
        return [int(path.name.partition("-")[2]) for path in tmp_path.glob("worker-*")]

    wait_until(lambda: len(workers()) == 2)
    os.kill(parent.pid, signal.SIGKILL)
    parent.join(60)
    wait_until(lambda: not any(is_alive(pid) for pid in workers()))


def test_no_jobs_start_no_process(monkeypatch):
    monkeypatch.setattr(
        "mien_training.runs.worker_pool.ProcessPoolExecutor", partial(pytest.fail, "pool")
    )
    run_in_processes(write, [])
