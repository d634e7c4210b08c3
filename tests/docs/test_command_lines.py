"""Every call of `mien` on the pages is one that the command line takes; nothing is run."""

import re

import pytest
import tyro
from support.markdown import PAGES, code_spans, command_lines

from mien.__main__ import _available, _load

CALLS = [call for page in PAGES for call in command_lines(page)]


def config_of(words: list[str]) -> tuple[type, list[str]]:
    """The config class of a call, and the words after the command."""
    available = _available()
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in available:
            return _load(available[name])[0], words[length:]
    raise AssertionError(f"there is no command {' '.join(words[:2])!r}")


def test_there_are_calls_to_check():
    assert len(CALLS) > 8


@pytest.mark.parametrize(("where", "words"), CALLS, ids=[where for where, _ in CALLS])
def test_the_command_line_takes_it(where, words):
    config, arguments = config_of(words)
    try:
        tyro.cli(config, args=arguments, prog="mien")
    except SystemExit as request:
        assert request.code == 0, where  # --help is a call too


def test_a_wrong_call_is_seen():
    with pytest.raises(AssertionError):
        config_of(["juggle", "a.mien"])
    with pytest.raises(AssertionError):
        test_the_command_line_takes_it("", ["info", "a.mien", "--loud"])


def test_options_named_in_the_text_exist(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for target in _available().values():
        with pytest.raises(SystemExit):
            tyro.cli(_load(target)[0], args=["--help"], prog="mien")
    options = set(re.findall(r"--[a-z][a-z0-9.-]+", capsys.readouterr().out))
    for page in PAGES:
        for span in code_spans(page):
            for option in re.findall(r"^(--[a-z][a-z0-9.-]+)", span):
                assert option in options, f"{page.name}: `{span}`"
