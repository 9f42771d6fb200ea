"""Any packaged scenario on the invented corpora, so that score-side scenarios run without their own being opened."""

from __future__ import annotations

import sys
from pathlib import Path

from headwater.simulate import Scenario, load
from headwater.simulate.catalogue import SOURCES

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks/detection"))
from suite.swapping import swapped

#: The corpora that `builders` invents; every other is swapped for one of them.
INVENTED = ("gsm8k", "halueval", "codegen", "banking77", "multiwoz", "arena", "mgsm")


def on_invented(name: str) -> Scenario:
    """A packaged scenario with the corpora that `builders` invents, dialogues for dialogues."""
    singles = [one for one in INVENTED if one != "multiwoz"]
    others = [source for source in SOURCES.values() if source.name not in INVENTED]
    stand_in = {
        source.name: "multiwoz" if source.turns else singles[i % len(singles)]
        for i, source in enumerate(others)
    }
    return swapped(load(name), stand_in, keep_references=False)
