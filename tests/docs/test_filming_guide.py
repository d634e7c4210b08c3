"""The filming guide asks for every channel, in the words in which the rig's report asks again."""

import ast
from pathlib import Path

from support.markdown import table

from mien.channels import ARKIT_CHANNELS

ROOT = Path(__file__).parents[2]
ROWS = table(ROOT / "docs" / "filming-guide.md", "do this")
PERFORMED = {row[0]: tuple(row[1].split(", ")) for row in ROWS}


def reported_actions() -> dict[str, tuple[str, ...]]:
    """The report's table of actions, wherever in the training sources it lies."""
    for path in (ROOT / "training").rglob("*.py"):
        text = path.read_text("utf-8")
        if '"Stick out your tongue"' not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Dict) and len(node.keys) > 20:
                return ast.literal_eval(node)
    raise AssertionError("the report's actions are not found")


def test_every_channel_is_performed_once():
    channels = [name for names in PERFORMED.values() for name in names]
    assert sorted(channels) == sorted(ARKIT_CHANNELS)


def test_the_words_are_those_of_the_report():
    assert reported_actions() == PERFORMED
