"""Small corpora for the tests of the audit, written where a test wants them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from headwater.provenance.audit import AuditSettings, Report, audit

TODAY = date(2026, 11, 27)


def lines(path: Path, rows: Iterable[Mapping[str, object] | str]) -> Path:
    """JSON lines; texts are written as they are."""
    told = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in told), encoding="utf-8")
    return path


def audited(path: Path, out: Path, **settings: object) -> Report:
    """The audit of a small corpus, in this process, without an estimate of prevalence."""
    asked = AuditSettings(**{"sample": 0, **settings})  # type: ignore[arg-type]
    return audit(path, out, asked, asked_at=TODAY)
