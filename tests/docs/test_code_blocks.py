"""Python code on the pages compiles, and imports only what mien has."""

import ast
import importlib

import pytest
from support.markdown import PAGES, code_blocks

BLOCKS = [b for page in PAGES for b in code_blocks(page) if b.language in ("python", "py")]


def test_there_is_code_to_check():
    assert len(BLOCKS) > 3


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_it_compiles(block):
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_its_imports_exist(block):
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mien"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name), f"{block}: {node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("mien"):
                    importlib.import_module(alias.name)
