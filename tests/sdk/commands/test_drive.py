"""`mien drive`: a call that cannot end well is refused before any work."""

import pytest

from mien.__main__ import main


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--out", "x.csv", "x.xyz"], "the suffix must be one of .csv, .npz"),
        (["--out", "nowhere/x.csv"], "there is no folder 'nowhere'"),
        (["--out"], "--out names no file"),
        (["--out", "x.csv", "--limit", "0"], "--limit is 0, expected 1 or more"),
        (["--out", "x.csv", "--token-file", "t"], "go with --server"),
    ],
)
def test_calls_of_no_use_are_refused_before_anything_is_read(
    options, complaint, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["drive", "none.mien", "none.mp4", *options]) == 2
    assert complaint in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
