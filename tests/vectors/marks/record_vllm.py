"""Record vLLM's published golden vectors in our form: values, scores, and the tokens that its sampler took.

    python tests/vectors/marks/record_vllm.py path/to/vllm/tests/watermarking

reads the source distribution of vLLM (no torch, nothing of vLLM is run) and writes `vllm.json` beside this file.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

VERSION = "0.33.0"
#: `test_prf.py`, test_philox_compatibility_vector: key, contexts, tokens, and the mantissas expected of them.
PRF = {
    "key": 42,
    "contexts": [[1, 2, 3, 4], [4, 5, 6, 7]],
    "tokens": [7, 8],
    "mantissas": [[1661833, 10571167], [9742331, 13375724]],
}


def golden(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """One candidate of `watermarking_goldens.json`, cut to what a reader of marks needs."""
    asked = entry["configuration"]
    scheme = asked["scheme_config"]
    return {
        "name": name,
        "scheme": asked["scheme"],
        "key": int(asked["key"]),
        "detection_key": int(asked["detection_key"]),
        "width": scheme["context_width"],
        "generation": {
            "alpha": scheme["generation_alpha"],
            "dedup": scheme["generation_deduplicate_contexts"],
            "max_history": scheme["generation_deduplicate_contexts_max_history"],
        },
        "detection": {
            "alpha": scheme["detection_alpha"],
            "dedup": scheme["detection_deduplicate_contexts"],
            "scored": entry["detection"]["num_scored_tokens"],
            "score": entry["detection"]["score"],
        },
        "derived_keys": {name: key and int(key) for name, key in entry["resolved"]["derived_keys"].items()},
        "fixture": asked["fixture"],
        "tokens": entry["generation"],
    }


def main() -> None:
    """Read and write."""
    folder = Path(sys.argv[1])
    candidates = json.loads((folder / "watermarking_goldens.json").read_text("utf-8"))["candidates"]
    listed = re.search(
        r"_WATERMARKED_TOKEN_IDS = \[([\d,\s]+)\]", (folder / "test_detection.py").read_text("utf-8")
    )
    assert listed
    uniforms = re.search(
        r"ROUTING_UNIFORMS[^=]*= \(([\d.,\s]+)\)", (folder / "golden_candidates.py").read_text("utf-8")
    )
    assert uniforms
    found = {
        "source": "https://github.com/vllm-project/vllm, tests/watermarking",
        "version": VERSION,
        "licence": "Apache-2.0",
        "recorded": "by record_vllm.py from the source distribution; nothing of vLLM was run",
        "prf": PRF,
        "marked": {
            "key": 42,
            "width": 4,
            "tokens": [int(each) for each in listed[1].split(",") if each.strip()],
        },
        "routing_uniforms": [float(each) for each in uniforms[1].split(",") if each.strip()],
        "goldens": [golden(name, entry) for name, entry in candidates.items()],
    }
    text = json.dumps(found, separators=(",", ":")).replace('{"name"', '\n{"name"')
    Path(__file__).with_name("vllm.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
