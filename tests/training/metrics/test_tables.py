"""Tables hold what they were given, in Markdown that renders and JSON that every reader takes."""

import json

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.metrics.tables import markdown_table, render_results, results_page, write_results


def cells(line: str) -> list[str]:
    return [c.strip() for c in line.strip("|").replace("\\|", "\0").split("|")]


def test_a_table_has_a_row_a_row_and_a_cell_a_column():
    rows = [["one", 1.23456, None], ["a | b", 2, float("nan")], ["two\nlines", np.float64(1e-9), 0]]
    lines = markdown_table(["fit", "mm", "n"], rows).splitlines()
    assert len(lines) == 2 + len(rows)
    assert all(len(cells(line)) == 3 for line in lines)
    assert cells(lines[2]) == ["one", "1.23", ""]
    assert cells(lines[3]) == ["a \0 b", "2", ""]
    assert cells(lines[4]) == ["two lines", "1e-09", "0"]


def test_a_row_of_another_length_is_named():
    with pytest.raises(InputError, match=r"short.*expected 2: fit, mm"):
        markdown_table(["fit", "mm"], [["short"]])


def page(record: dict) -> str:
    return results_page("# Fits\n", ["fit"], [[record["best"]]], record["command"])


def test_both_files_are_written_and_the_json_is_strict(tmp_path):
    folder = tmp_path / "docs" / "results"
    record = {"errors": [1.0, float("nan"), np.float32(0.5)], "all": np.array([1, np.inf]), 3: "k"}
    write_results(folder, "fits", "python fits.py", {"best": "one", **record}, page)
    text = (folder / "fits.md").read_text()
    assert text == "# Fits\n\n| fit |\n| --- |\n| one |\n\n`python fits.py`\n"

    def refuse(name):
        raise AssertionError(f"{name} is not a JSON")

    saved = json.loads((folder / "fits.json").read_text(), parse_constant=refuse)
    assert saved["errors"] == [1.0, None, 0.5] and saved["all"] == [1, None] and saved["3"] == "k"
    assert saved["command"] == "python fits.py" and set(saved["versions"]) > {"numpy"}


def test_a_page_is_rendered_anew_without_measuring(tmp_path):
    write_results(tmp_path, "fits", "python fits.py", {"best": "one"}, page)
    before = (tmp_path / "fits.json").read_bytes()
    render_results(tmp_path, "fits", lambda record: f"best: {record['best']}\n")
    assert (tmp_path / "fits.md").read_text() == "best: one\n"
    assert (tmp_path / "fits.json").read_bytes() == before
    (tmp_path / "fits.json").write_text("{")
    for name in ("fits", "none"):
        with pytest.raises(InputError, match=rf"{name}\.json: not a record of results"):
            render_results(tmp_path, name, page)


def test_nothing_is_written_where_no_page_can_be_made(tmp_path):
    def short(record):
        return results_page("", ["a", "b"], [["one"]], "")

    with pytest.raises(InputError, match="expected 2"):
        write_results(tmp_path, "fits", "", {}, short)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        write_results(tmp_path / "file" / "results", "fits", "", {"best": "one"}, page)
