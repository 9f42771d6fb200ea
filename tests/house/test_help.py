"""`headwater --help` answers at once, because it loads nothing that it doesn't need."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

import pytest
from click.testing import CliRunner

from headwater.cli.app import COMMANDS, app

HEAVY = {
    "numpy",
    "scipy",
    "numba",
    "pyarrow",
    "duckdb",
    "rich",
    "jinja2",
    "msgspec",
    "cel",
    "yaml",
    "sqlite3",
    "asyncio",
}


def loaded_by(*arguments: str) -> list[str]:
    """The modules that are loaded when `headwater` has answered `arguments`."""
    program = (
        f"import sys; from headwater.cli.app import run; run({list(arguments)!r});"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stderr.split()


def test_help_loads_no_heavy_module() -> None:
    program = (
        "import sys\nfrom headwater.cli.app import run\nrun(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert loaded & HEAVY == set()
    rooms = {name.split(".")[1] for name in done.stderr.split() if name.startswith("headwater.")}
    assert rooms <= {"cli", "errors"}


def processor_seconds(*command: str) -> float:
    """The median processor time of ten runs of Python with `command`."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    once()
    return statistics.median(once() for _ in range(10))


def test_help_is_fast() -> None:
    """Processor time, and on a busy machine in proportion to Python's own; `.ci/run` takes the wall clock."""
    slowdown = max(1.0, processor_seconds("-c", "pass") / 0.030)
    assert processor_seconds("-m", "headwater.cli", "--help") < 0.150 * slowdown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_its_line_in_the_list(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert f"headwater {name}" in done.output or f"{name} [OPTIONS]" in done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_loads_no_heavy_module(name: str) -> None:
    assert {module.split(".")[0] for module in loaded_by(name, "--help")} & HEAVY == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_groups_commands_do_is_told_in_whole_sentences(name: str) -> None:
    told = CliRunner().invoke(app, [name, "--help"], terminal_width=80).output
    _, _, commands = told.partition("\nCommands:\n")
    assert not [line for line in commands.splitlines() if line.endswith(("...", "…"))]
