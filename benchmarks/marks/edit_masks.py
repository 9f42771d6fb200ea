"""Makes the edit masks that Headwater ships: what DIPPER kept, moved and replaced in 1,500 texts of OUTFOX.

    HEADWATER_CORPORA=… python benchmarks/marks/edit_masks.py src/headwater/mark/bench/edit_masks.json [EACH]

Takes every so-many-th pair of each model whose texts were paraphrased, EACH (80) of them. No text is in a mask.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from headwater.mark.bench import masks

#: Folders of OUTFOX: the models whose essays DIPPER paraphrased.
MODELS = ("chatgpt", "text_davinci_003", "flan_t5_xxl")


def pairs(corpora: Path, model: str) -> list[tuple[str, str]]:
    """Essays of a model and DIPPER's paraphrases of them."""
    folder = corpora / "paraphrase/outfox"
    essays = json.loads((folder / model / "test/test_lms.json").read_text(encoding="utf-8"))
    others = json.loads((folder / "dipper" / model / "test_attacks.json").read_text(encoding="utf-8"))
    return list(zip(essays, others, strict=True))


def main() -> None:
    """Align and write."""
    corpora, out = Path(os.environ["HEADWATER_CORPORA"]), Path(sys.argv[1])
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 80
    made = []
    for model in MODELS:
        found = pairs(corpora, model)
        step = len(found) / each
        chosen = [found[int(number * step)] for number in range(each)]
        made += [masks.mask_of(essay, other, "DIPPER") for essay, other in chosen if essay and other]
    masks.save(made, out)
    kept = sum(mask.kept for mask in made) / len(made)
    print(f"{len(made)} masks, {kept:.1%} of items kept, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
