"""Checks that the quotes of the terms registry stand in the archives that they name.

    python benchmarks/audit/check_quotes.py OpenTermsArchive/genai-eu-versions=PATH [OWNER/NAME=PATH …]

Each quote whose basis is an archive is looked for in its path at its commit, in the clone given for its repository,
with white space and Markdown's marks left out; the date of the commit is compared too. Prints what does not stand
and what could not be looked at; ends with 1 where a quote or a date is wrong.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REGISTRY = Path(__file__).parents[2] / "src/headwater/provenance/terms/registry"
_LINK = re.compile(r"\[([^\]\[]*)\]\([^)]*\)")
_INVISIBLE = str.maketrans({"\u2060": None, "\u00a0": " "})


def plain(text: str) -> str:
    """A text without Markdown's links, marks and backslashes, with one space between words."""
    bare = _LINK.sub(r"\1", text).translate(_INVISIBLE)
    return " ".join(re.sub(r"[*_`\\#>|]", "", bare).split())


def evidence(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every piece of evidence of the registry, with the uid of its rule or file."""
    for path in sorted(folder.rglob("*.jsonld")):
        terms = json.loads(path.read_text("utf-8"))
        rules = [rule for kind in ("prohibition", "permission", "obligation") for rule in terms[kind]]
        for each in (*rules, terms):
            if "hw:evidence" in each:
                yield each["uid"], each["hw:evidence"]


def git(clone: Path, *words: str) -> str | None:
    """What git says of a clone; None where it has no such thing."""
    done = subprocess.run(["git", "-C", str(clone), *words], capture_output=True, check=False)
    return None if done.returncode else done.stdout.decode("utf-8", "replace")


def fault(clone: Path, found: dict[str, Any]) -> str | None:
    """What is wrong with a quote, or None."""
    commit, path = found["hw:commit"], found["hw:path"]
    text = git(clone, "show", f"{commit}:{path}")
    if text is None:
        return f"no {path} at {commit[:12]}"
    if plain(found["hw:quote"]) not in plain(text):
        return f"not in {path} at {commit[:12]}"
    day = (git(clone, "show", "-s", "--format=%cI", commit) or "")[:10]
    return None if day == found["hw:commitDate"] else f"commit {commit[:12]} is of {day}"


def main() -> int:
    """Check every quote; 1 where one is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clones", nargs="+", metavar="OWNER/NAME=PATH")
    parser.add_argument("--registry", type=Path, default=REGISTRY)
    asked = parser.parse_args()
    clones = {name: Path(path) for name, _, path in (each.partition("=") for each in asked.clones)}
    good, wrong, without = 0, 0, 0
    for uid, found in evidence(asked.registry):
        if found["hw:basis"] != "archive":
            continue
        clone = clones.get(found["hw:repository"])
        if clone is None:
            print(f"not looked at: {uid}: no clone of {found['hw:repository']}")
            without += 1
        elif what := fault(clone, found):
            print(f"WRONG: {uid}: {what}")
            wrong += 1
        else:
            good += 1
    print(f"{good} quotes stand, {wrong} do not, {without} not looked at")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
