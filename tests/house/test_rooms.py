"""A room is entered by its door: other rooms import what its `__init__` names, and nothing behind it.

Which room may import which at all is import-linter's business (`make lint`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house.source import Module, modules

ROOMS = {module.name.split(".")[1] for module in modules() if module.name.count(".") >= 1}


def imports(module: Module) -> Iterator[tuple[str, str]]:
    """Every `from X import y` and `import X` of the package, functions included, as (module, name)."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_other_rooms_are_entered_by_their_door() -> None:
    known = {module.name for module in modules()}
    # A module that the room's `__init__` names (`verdict`, "model") is public as a whole.
    doors = {module.name: module.text for module in modules() if module.name.count(".") == 1}
    trespasses = []
    for module in modules():
        for source, _ in imports(module):
            parts = source.split(".")
            if parts[0] != "headwater" or len(parts) < 3 or parts[1] == module.room or source not in known:
                continue
            door = doors[f"headwater.{parts[1]}"]
            public = f"`{parts[2]}`" in door or f'"{parts[2]}"' in door
            if len(parts) > 3 or not public:
                trespasses.append(f"{module.name} → {source}")
    assert trespasses == []


def test_imports_are_absolute() -> None:
    relative = [
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []
