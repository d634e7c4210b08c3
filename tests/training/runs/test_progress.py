"""One report for terminals and callbacks."""

import io

from mien_training.runs.progress import Progress, ProgressBars, in_stage, silent


def test_bars_name_stages_counts_and_figures():
    text = io.StringIO()
    with ProgressBars(file=text) as report:
        report(Progress("tracking [eve]", 3, 10))
        report(Progress("training", 5, 20, {"loss": 0.25}))
        report.warn("few faces")
    shown = text.getvalue()
    assert "tracking [eve]" in shown and "10/10" in shown  # another stage has begun
    assert "training" in shown and "5/20" in shown and "loss 0.25" in shown
    assert "warning: few faces" in shown


def test_quiet_bars_write_nothing(capsys):
    for bars in (ProgressBars(quiet=True), ProgressBars(quiet=True, file=(text := io.StringIO()))):
        with bars as report:
            report(Progress("training", 5, 20))
            report.warn("few faces")
    assert capsys.readouterr() == ("", "") and text.getvalue() == ""


def test_somebody_else_hears_even_when_it_is_quiet(capsys):
    told = []
    with ProgressBars(quiet=True, also=told.append) as report:
        report(Progress("training", 5, 20))
    assert told == [Progress("training", 5, 20)] and capsys.readouterr() == ("", "")


def test_bars_are_on_stderr_alone(capsys):
    with ProgressBars() as report:
        report(Progress("training", 5))
    out, err = capsys.readouterr()
    assert out == "" and "training" in err


def test_a_stage_may_be_told_under_another_name():
    told = []
    in_stage(told.append, "visible points")(Progress("points", 1, 2, {"loss": 3.0}))
    assert told == [Progress("visible points", 1, 2, {"loss": 3.0})]
    silent(told[0])
