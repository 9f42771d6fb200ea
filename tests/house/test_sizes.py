"""Files that are read in one sitting, functions that are seen at one glance, names that say a subject."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from house.source import ROOT, Module, modules

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lengths() -> Iterator[tuple[str, int]]:
    """Every function's name and number of lines, its docstring not counted."""
    for module in modules():
        for node in ast.walk(module.tree):
            if not isinstance(node, FUNCTIONS):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and ast.get_docstring(node)
            ):
                lines -= (first.end_lineno or first.lineno) - first.lineno + 1
            yield f"{module.name}.{node.name}", lines


def test_no_file_is_above_500_lines() -> None:
    sizes = {str(module.path.relative_to(ROOT)): module.text.count("\n") for module in modules()}
    assert {name: size for name, size in sizes.items() if size > 500} == {}


def test_functions_are_short() -> None:
    sizes = dict(lengths())
    long = {name: size for name, size in sizes.items() if size > 60}
    assert {name: size for name, size in long.items() if size > 100} == {}
    assert len(long) <= len(sizes) / 100, long


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "common", "helpers", "helper", "misc", "shared", "tools"}
    assert [module.name for module in modules() if drawers & set(module.name.split("."))] == []


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_module_says_what_it_does(module: Module) -> None:
    said = ast.get_docstring(module.tree)
    assert said, "a module opens with what it does and what it leaves to others"
    assert "to be written" not in said.lower()


def test_public_functions_and_classes_have_docstrings() -> None:
    bare = [
        f"{module.name}.{node.name}"
        for module in modules()
        for node in module.tree.body
        if isinstance(node, (*FUNCTIONS, ast.ClassDef))
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert bare == []
