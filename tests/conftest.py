"""What every test shares: quiet, repeatable property tests, and no silent skips in CI.

A test that needs something this machine lacks (a browser, a server) is skipped and named at the end; where
`HEADWATER_CI` is set, the machine is meant to have everything and a skip is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "house", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

IN_CI = bool(os.environ.get("HEADWATER_CI"))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


def _no_skip(report: Any) -> None:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.longrepr = f"{report.nodeid}: a skip is a failure in CI: {_reason(report)}"
        report.outcome = "failed"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files whose tests all need an extra that this run leaves out (`-m spark`, say) may import it at the top."""
    if collection_path.suffix != ".py":
        return None
    asked = config.option.markexpr
    only = bool(asked) and "not " not in asked  # as in `-m spark`
    left_out = [name for name in ("torch", "llama") if f"not {name}" in asked or (only and name not in asked)]
    text = collection_path.read_text("utf-8") if left_out else ""
    return True if any(f"\npytestmark = pytest.mark.{name}\n" in text for name in left_out) else None


def _slow() -> frozenset[str]:
    """Tests of slow.txt: measured to take more than half a second or so, with what they alone set up."""
    path = Path(__file__).with_name("slow.txt")
    return frozenset(path.read_text("utf-8").split() if path.exists() else ())


class Slow:
    """Marks them before pytest leaves out what `-m` says."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        slow = _slow()
        for item in items:
            if item.nodeid.partition("[")[0].partition("@")[0] in slow:
                item.add_marker(pytest.mark.slow)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Slow())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups of tests hold where pytest-xdist writes a name that pytest no longer reads (pytest-xdist issue 1386).

    From pytest 9.2 on an item's name is its `_id`; pytest-xdist 3.8 adds the group to `_nodeid`, and nobody heeds it.
    """
    for item in items:
        grouped = getattr(item, "_nodeid", item.nodeid)
        if grouped != item.nodeid and hasattr(item, "_id"):
            item._id = type(item._id).parse(grouped)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _no_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _no_skip(report)
    return report
