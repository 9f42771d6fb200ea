"""Benchmarks live outside the package and find their neighbours beside them; tests import them the same way."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "benchmarks"
for folder in (ROOT, ROOT / "detection", ROOT / "scale"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
