"""All that is told of a run, from its kept records alone: rows, laws, ablations, error rates, comparisons, bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suite.bars import bars
from suite.calibration import calibration
from suite.compared import beside_baselines, beside_oracle
from suite.discovery import discovery
from suite.rescore import ablation
from suite.summary import Record, laws, scripts, summary


def analysed(records: Sequence[Record], side: str = "tune") -> dict[str, Any]:
    """The summary of a run on one side, by the name of each part of the page."""
    alarms = [record for record in records if record["job"]["part"] == "alarms"]
    whole = [record for record in records if record["job"]["part"] != "calibration"]
    rows = summary(records)
    found: dict[str, Any] = {
        "rows": rows,
        "laws": laws(whole, "everything"),
        "scripts": scripts(rows),
        "ablations": [ablation(alarms, look) for look in ("everything", "headline")],
        "discovery": discovery(records),
        "calibration": calibration(records),
        "oracle": beside_oracle(records),
        "baselines": beside_baselines(records),
    }
    return found | {"bars": bars(found, side)}
