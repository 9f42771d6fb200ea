"""Write down values of our own marks, so that they never change unnoticed: text that was marked must stay readable.

    python tests/vectors/marks/record_own.py

uses the plain functions of `headwater.mark.own.function` and writes `own.json` beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from headwater.mark.own.function import GUMBEL, TILT, seed_of, values_of


def main() -> None:
    """Compute and write."""
    lines = []
    for key in ((0, 0), (1, 2), (0x0706050403020100, 0x0F0E0D0C0B0A0908), (2**64 - 1, 2**63)):
        for context in ([0], [1, 2], [7, 7, 7], [1, 2, 3, 4], [4294967295, 0, 128000, 5, 6]):
            seed = np.array(seed_of(context, key), np.uint64)
            for token in (0, 1, 2, 3, 50256, 4294967295):
                gumbel, tilt = (int(values_of(seed, np.array(token), use)) for use in (GUMBEL, TILT))
                entry = {"key": list(key), "context": context, "token": token, "gumbel": gumbel, "tilt": tilt}
                lines.append(json.dumps(entry))
    head = {
        "source": "Headwater, headwater.mark.own.function",
        "version": "1",
        "licence": "Apache-2.0",
        "recorded": "by record_own.py",
    }
    text = json.dumps(head)[:-1] + ', "values": [\n' + ",\n".join(lines) + "\n]}\n"
    Path(__file__).with_name("own.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
