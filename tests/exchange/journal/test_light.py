"""A relay that writes a journal loads little: no Arrow, no NumPy. The room's names are the same as ever."""

from __future__ import annotations

import ast
import subprocess
import sys

import headwater.exchange
import headwater.exchange.journal
from house.source import PACKAGE

PROGRAM = """
import sys
from headwater.exchange.journal import Accepted, Journal, JournalSettings, follow, lines_of_batch
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_what_a_relay_loads() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint(
        ("pyarrow", "numpy", "duckdb", "asyncio", "sqlite3", "cryptography")
    )


def test_every_name_of_the_room_is_there() -> None:
    for room in (headwater.exchange, headwater.exchange.journal):
        for name in room.__all__:
            assert getattr(room, name) is not None
        assert not hasattr(room, "nothing")


def test_types_and_names_of_the_exchange_room_agree() -> None:
    """What a type checker sees is what is loaded."""
    tree = ast.parse((PACKAGE / "exchange" / "__init__.py").read_text("utf-8"))
    seen = {
        (alias.name, (node.module or "").rpartition(".")[2])
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("headwater.exchange.")
        for alias in node.names
    }
    loaded = headwater.exchange._MODULES
    assert seen == set(loaded.items())
    assert {name for name, _ in seen} == set(headwater.exchange.__all__)
