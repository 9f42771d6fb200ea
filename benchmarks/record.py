"""What the benchmarks share: the options of a run, and where its figures go."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import figures


def options(doc: str | None) -> argparse.ArgumentParser:
    """A parser for `--date`, `--revision`, `--out` and `--pages`; add what a benchmark needs beside them."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--date", required=True)
    parser.add_argument("--revision", default="", help="the commit that is measured")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pages", action="store_true", help="write docs/reference/figures.md too")
    return parser


def keep(result: dict[str, Any], asked: argparse.Namespace) -> None:
    """Print the figures, and write them and the pages where that was asked for."""
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    print(text, end="")
    if asked.pages:
        figures.write()
