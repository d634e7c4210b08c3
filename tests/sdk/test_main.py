"""The command line: words find commands, exit statuses keep their promise, no tracebacks."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from mien import __main__ as command_line
from mien.errors import InputError, PackageError


@dataclass(frozen=True)
class EchoConfig:
    """Fail as told."""

    how: str = "well"
    """What happens."""


def run(config: EchoConfig) -> int:
    if config.how == "input":
        raise InputError("no such file")
    if config.how == "package":
        raise PackageError("broken")
    print(config.how)
    return 0


@pytest.fixture(autouse=True)
def echo_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mien_echo_command", sys.modules[__name__])
    monkeypatch.setitem(command_line.COMMANDS, "echo", "mien_echo_command:run")
    monkeypatch.setitem(command_line.COMMANDS, "echo twice", "mien_echo_command:run")
    monkeypatch.setitem(command_line.COMMANDS, "needy", "mien_training_absent.x:run")
    monkeypatch.setitem(command_line.EXTRA_OF, "mien_training_absent", "train")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["echo", "--how", "well"], 0),
        (["echo", "twice", "--how", "x"], 0),
        (["echo", "--how", "package"], 1),
        (["echo", "--how", "input"], 2),
        (["echo", "--nonsense"], 2),
        (["echo", "--help"], 0),
        (["nonsense"], 2),
        ([], 2),
        (["--help"], 0),
        (["--version"], 0),
        (["needy"], 1),
    ],
)
def test_exit_status(words: list[str], status: int) -> None:
    assert command_line.main(words) == status


def test_errors_name_command_and_cause(capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["echo", "--how", "input"])
    captured = capsys.readouterr()
    assert captured.err == "mien echo: no such file\n"
    assert captured.out == ""


def test_a_family_of_commands_lists_its_members(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["train", "--help"]) == 0
    out = capsys.readouterr().out
    assert "mien train animator\n" in out and "mien train rig" in out
    assert command_line.main(["train"]) == 2
    assert "mien train rig" in capsys.readouterr().err


def test_missing_extra_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["needy"])
    assert "pip install 'mien[train]'" in capsys.readouterr().err


def test_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "mien", "--version"], capture_output=True)
    assert done.returncode == 0 and done.stdout.startswith(b"mien 0")
