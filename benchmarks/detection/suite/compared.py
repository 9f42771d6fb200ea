"""What others find in the same worlds: an oracle that knows how they are made, and published methods.

Both stand in the records of some worlds only, and Headwater's figures beside them are of the same worlds, without
account attributes. Shares are pooled over accounts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from scoring import share

from suite.summary import Record, setting, varied

LOOK = "headline"


def beside_oracle(records: Sequence[Record], look: str = LOOK) -> list[dict[str, Any]]:
    """Part, scenario and setting → ring accounts that the oracle finds and that Headwater does, and F1 of exchanges."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        known = (record.get("oracle") or {}).get("recall") is not None
        if known and look in record["looks"] and record["looks"][look]["ring_accounts"]:
            key = (record["job"]["part"], record["job"]["scenario"], setting(record))
            groups.setdefault(key, []).append(record)
    return [
        dict(zip(("part", "scenario", "setting"), key, strict=True))
        | {"varied": varied(found[0])}
        | _against(found, look)
        for key, found in sorted(groups.items())
    ]


def _against(found: Sequence[Record], look: str) -> dict[str, Any]:
    looks = [record["looks"][look] for record in found]
    accounts = sum(seen["ring_accounts"] for seen in looks)
    known = sum(r["oracle"]["recall"] * seen["ring_accounts"] for r, seen in zip(found, looks, strict=True))
    hit = sum(seen["ring_flagged"] for seen in looks)
    exchanges = [r["oracle"]["exchange_f1"] for r in found if r["oracle"].get("exchange_f1") is not None]
    sizes = sum(seen["attributed"] + seen["harvest"] for seen in looks)
    return {
        "worlds": len(found),
        "ring_accounts": accounts,
        "oracle": known / accounts,
        "recall": hit / accounts,
        "share": hit / known if known else None,
        "oracle_exchange_f1": sum(exchanges) / len(exchanges) if exchanges else None,
        "exchange_f1": 2 * sum(seen["both"] for seen in looks) / sizes if sizes else None,
    }


def beside_baselines(records: Sequence[Record], look: str = LOOK) -> list[dict[str, Any]]:
    """Part, scenario and setting → each published method's recall with as many innocents flagged, and at 1% of them."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        if record.get("baselines") and look in record["looks"] and record["looks"][look]["ring_accounts"]:
            key = (record["job"]["part"], record["job"]["scenario"], setting(record))
            groups.setdefault(key, []).append(record)
    return [
        dict(zip(("part", "scenario", "setting"), key, strict=True))
        | {"varied": varied(found[0])}
        | _methods(found, look)
        for key, found in sorted(groups.items())
    ]


def _methods(found: Sequence[Record], look: str) -> dict[str, Any]:
    looks = [record["looks"][look] for record in found]
    methods: dict[str, list[Record]] = {}
    for record in found:
        for name, figures in record["baselines"]["methods"].items():
            methods.setdefault(name, []).append(
                figures | {"accounts": record["looks"][look]["ring_accounts"]}
            )
    left_out = Counter(name for record in found for name in record["baselines"]["left_out"])
    return {
        "worlds": len(found),
        "recall": share(sum(s["ring_flagged"] for s in looks), sum(s["ring_accounts"] for s in looks)),
        "innocent_flagged": sum(seen["innocent_flagged"] for seen in looks),
        "methods": {name: _pooled(worlds) for name, worlds in methods.items()},
        "left_out": dict(sorted(left_out.items())),
    }


def _pooled(worlds: Sequence[Record]) -> dict[str, Any]:
    accounts = sum(figures["accounts"] for figures in worlds)
    known = [figures["auc"] for figures in worlds if figures["auc"] is not None]
    out: dict[str, Any] = {"worlds": len(worlds), "auc": median(known) if known else None}
    for bar in ("matched", "at_rate"):
        out[bar] = {
            "recall": share(sum(figures[bar]["ring_flagged"] for figures in worlds), accounts),
            "innocent_flagged": sum(figures[bar]["innocent_flagged"] for figures in worlds),
        }
    return out
