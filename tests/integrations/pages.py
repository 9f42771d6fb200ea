"""The how-to pages about writing marks, run as they stand there: their keyrings, commands and Python."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "how-to"


def blocks(page: str, kind: str) -> list[str]:
    """The blocks of one kind on a page."""
    return re.findall(rf"```{kind}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.S)


def prepared(page: str, folder: Path) -> None:
    """The keyring of a page and its key, in `folder`, by the page's own commands."""
    (folder / "keys.toml").write_text(blocks(page, "toml")[0])
    (folder / "keys.toml").chmod(0o600)
    shell(page, folder, "headwater keys")


def shell(page: str, folder: Path, begins: str) -> str:
    """What the page's commands that begin so print. Raises where one fails."""
    commands = [
        line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith(begins)
    ]
    assert commands
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    out = ""
    for command in commands:
        done = subprocess.run(
            command, shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1), done.stderr
        out += done.stdout
    return out


def python(page: str) -> str:
    """All Python of a page, as one program."""
    return "\n".join(blocks(page, "python"))
