"""Transcripts as records: commands with the output they should have, and the files they find."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Step:
    """One command: its arguments (without `headwater`), expected output and exit code."""

    arguments: tuple[str, ...]
    output: str
    exit_code: int
    line: int


@dataclass(frozen=True)
class Transcript:
    """One file: its steps in order, and the files that it brings."""

    name: str
    steps: tuple[Step, ...]
    files: dict[str, str]


def transcripts() -> list[Path]:
    """All transcripts, in order of name."""
    return sorted(HERE.glob("*.txt"))


def parse(path: Path) -> Transcript:
    """The transcript at `path`."""
    session, *rest = re.split(r"^-- (\S+) --\n", path.read_text(encoding="utf-8"), flags=re.M)
    steps: list[Step] = []
    command: tuple[str, ...] | None = None
    output: list[str] = []
    code = begun = 0

    def close() -> None:
        if command is not None:
            steps.append(Step(command, "\n".join(output).strip("\n"), code, begun))

    for number, line in enumerate(session.splitlines(), 1):
        if line.startswith("$ "):
            close()
            words = shlex.split(line[2:])
            assert words[0] == "headwater", f"{path.name}, line {number}: only headwater can be called"
            command, output, code, begun = tuple(words[1:]), [], 0, number
        elif match := re.fullmatch(r"\[exit (\d+)\]", line):
            code = int(match[1])
        elif command is not None:
            output.append(line)
    close()
    return Transcript(path.stem, tuple(steps), dict(zip(rest[::2], rest[1::2], strict=True)))


def pattern(expected: str) -> re.Pattern[str]:
    """What `expected` allows: `…` within a line, or any lines where it stands alone."""
    lines = []
    for line in expected.splitlines():
        if line == "…":
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append(r"[^\n]*?".join(re.escape(part) for part in line.split("…")) + r"[ ]*\n")
    return re.compile("".join(lines))
