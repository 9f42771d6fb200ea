"""A wish to end that some library swallows is repeated; the cleaning of a run that ends isn't cut short."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
_BEGINS = """
import os, signal, time
from headwater.cli.signals import ended_by_signals

def told():
    os.kill(os.getpid(), signal.{told})
    time.sleep(0.05)

with ended_by_signals() as ended:
    try:
{does}
    except KeyboardInterrupt:
        ended.heard()
        print("interrupted")
        time.sleep(0.6)
    else:
        print("done")
    raise SystemExit(ended.code)
"""


def ran(told: signal.Signals, does: str) -> subprocess.CompletedProcess[str]:
    indented = "\n".join(" " * 8 + line for line in does.splitlines())
    program = _BEGINS.format(told=told.name, does=indented)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda told: told.name)
def test_a_lost_wish_is_repeated(told: signal.Signals) -> None:
    done = ran(told, "try: told()\nexcept: pass\ntime.sleep(20)")
    assert (done.returncode, done.stdout, done.stderr) == (128 + told, "interrupted\n", "")


def test_it_is_repeated_until_it_is_heard() -> None:
    done = ran(signal.SIGTERM, "try: told()\nexcept: pass\ntry: time.sleep(20)\nexcept: pass\ntime.sleep(20)")
    assert (done.returncode, done.stdout, done.stderr) == (143, "interrupted\n", "")


@pytest.mark.parametrize(
    "cleaning",
    [
        "try: told()\nfinally:\n  time.sleep(0.8)\n  print('clean')",
        "try: told()\nexcept KeyboardInterrupt:\n  time.sleep(0.8)\n  print('clean')\n  raise",
        # A fault on the way, and a generator's own frame.
        "try: told()\nfinally:\n  try: 1 / 0\n  except ZeroDivisionError: time.sleep(0.8)\n  print('clean')",
        (
            "def place():\n  try: yield\n  finally:\n    time.sleep(0.8)\n    print('clean')\n"
            "from contextlib import contextmanager\nwith contextmanager(place)(): told()"
        ),
    ],
)
def test_cleaning_takes_its_time(cleaning: str) -> None:
    done = ran(signal.SIGHUP, cleaning)
    assert (done.returncode, done.stdout, done.stderr) == (129, "clean\ninterrupted\n", "")


def test_another_use_of_the_alarm_is_left_alone() -> None:
    does = (
        "heard = []\nsignal.signal(signal.SIGALRM, lambda *_: heard.append(1))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.4)\ntry: told()\nexcept: pass\n"
        "time.sleep(0.8)\nprint(heard)"
    )
    done = ran(signal.SIGTERM, does)
    assert (done.returncode, done.stdout, done.stderr) == (143, "[1]\ndone\n", "")
