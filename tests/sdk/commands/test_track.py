"""`mien track`: a call that cannot end well is refused before any work."""

import pytest

from mien.__main__ import main


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--out", "a.txt"], "expected a .csv or .npz file"),
        (["--out", "nowhere/a.csv"], "there is no folder 'nowhere'"),
        (["--out", "a.csv", "--limit", "-5"], "--limit is -5, expected 1 or more"),
        (["--out", "a.csv"], "none.mp4: no such file"),
    ],
)
def test_calls_of_no_use_are_refused(options, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["track", "none.mp4", *options]) == 2
    assert complaint in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
