"""The part of docs/reference/figures.md about what survives of marks, from `benchmarks/marks/robustness.json`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Table = Callable[[list[str], list[list[str]]], str]
#: Schemes as the table's heads call them.
SHORT = {
    "vllm-gumbel width=4": "vLLM Gumbel, 4",
    "headwater-gumbel width=4": "Gumbel, 4",
    "headwater-gumbel width=2": "Gumbel, 2",
    "headwater-tilt delta=2 width=2": "tilt, 2",
    "headwater-tilt delta=2 width=1": "tilt, 1",
    "headwater-layered width=2": "layered, 2",
    "synthid": "SynthID",
    "kgw delta=2": "KGW",
    "unigram delta=2": "Unigram",
}


def rows_of(held: Any) -> list[Row]:
    """A table's rows, which are kept as columns and lists."""
    if isinstance(held, list):
        return held
    return [dict(zip(held["columns"], row, strict=True)) for row in held["rows"]]


def section(found: Row, table: Table) -> str:
    """Attacks by schemes at each entropy, lengths, false positives, and predictions beside measurements."""
    found = {**found, "rows": rows_of(found["rows"]), "predicted": rows_of(found["predicted"])}
    rows, plan = found["rows"], found["plan"]
    schemes = list(dict.fromkeys(row["scheme"] for row in rows))
    entropies = list(dict.fromkeys(row["entropy_asked"] for row in rows))
    longest = max(row["tokens"] for row in rows)
    held = {(row["scheme"], row["entropy_asked"], row["attack"], row["tokens"]): row for row in rows}
    parts = [_opening(found, rows)]
    for entropy in entropies:
        told = f"Found at 10⁻² (at 10⁻³) in answers of {longest} tokens, {entropy} nats a token:"
        parts += [told, table(*_attacks(rows, held, schemes, entropy, longest))]
    parts += [
        (
            "Without an attack, by length; false positives of all lengths and attacks together, whose intervals count "
            "each pair of answer and key once, for all rows have the same:"
        ),
        table(*_clean(rows, held, schemes, entropies, found)),
        (
            f"A paraphrase: what survives of (context, token) predicts what is found at 10⁻² in {longest} tokens. "
            "*Predicted* only: the last two, whose texts aren't here. Predictions take every text to keep the mean "
            "share, and without context (Unigram) words count that stand in both texts anyway: they come out higher "
            "than what is measured."
        ),
        table(*_predicted(found, held, schemes, entropies, longest)),
        (
            "Share of distinct n-grams of the paraphrase that the original has, by tokens of context; the replayed "
            f"masks keep a little less than the paraphraser did ({plan['texts']} answers; 150 pairs of each model):"
        ),
        table(
            ["paraphraser", *map(str, range(5))],
            [[name, *(f"{share:.1%}" for share in shares)] for name, shares in found["survival"].items()],
        ),
    ]
    return "\n\n".join(parts)


def _opening(found: Row, rows: list[Row]) -> str:
    teacher, plan = found["teacher"], found["plan"]
    widest = max((row["tpr_1e-2_high"] - row["tpr_1e-2_low"]) / 2 for row in rows)
    return (
        f"Exact p-values of the engines' own statistics, of answers without their prompt, by a model of "
        f"{teacher['parameters']:,} parameters; {plan['texts']} answers a cell, so a share is known to ± "
        f"{100 * widest:.0f} points at most (Wilson, 95%; each in the JSON); {found['date']}, {found['revision']}. "
        "Texts that were changed as text are read as they are and normalised; windows inside a text aren't tried. "
        "Paraphrases are DIPPER's edits, replayed. Perplexity: under the shipped proxy, mean over schemes."
    )


def _attacks(
    rows: list[Row], held: dict[Any, Row], schemes: list[str], entropy: float, longest: int
) -> tuple[list[str], list[list[str]]]:
    attacks = list(dict.fromkeys(row["attack"] for row in rows))
    lines = []
    for attack in attacks:
        cells = [held[scheme, entropy, attack, longest] for scheme in schemes]
        perplexity = sum(cell["perplexity"] for cell in cells) / len(cells)
        lines.append([attack, *(_found(cell) for cell in cells), f"{perplexity:,.0f}"])
    return ["attack", *(SHORT.get(each, each) for each in schemes), "perplexity"], lines


def _found(cell: Row) -> str:
    return f"{100 * cell['tpr_1e-2']:.0f} ({100 * cell['tpr_1e-3']:.0f})"


def _clean(
    rows: list[Row], held: dict[Any, Row], schemes: list[str], entropies: list[float], found: Row
) -> tuple[list[str], list[list[str]]]:
    lengths = sorted({row["tokens"] for row in rows})
    pairs = found["plan"]["texts"] * found["plan"]["wrong_keys"]
    lines = []
    for entropy in entropies:
        plain = found.get("unmarked", {}).get(str(entropy))
        if plain:
            quality = _quality(plain["perplexity"], plain["distinct_2"], plain["repeated_4"])
            lines.append(["no mark", f"{plain['entropy']:.2f}", *["–"] * (len(lengths) + 3), quality])
        for scheme in schemes:
            cells = [held[scheme, entropy, "none", length] for length in lengths]
            mine = [row for row in rows if row["scheme"] == scheme and row["entropy_asked"] == entropy]
            goal = cells[-1]["tokens_to_1e-6"]
            lines.append([
                SHORT.get(scheme, scheme),
                f"{cells[-1]['entropy']:.2f}",
                *(_found(cell) for cell in cells),
                f"{goal:.0f}" if goal else "–",
                _false([row for row in mine if row["attack"] == "none"], "unmarked", pairs),
                _false(mine, "wrong_keys", pairs),
                _quality(*(cells[-1][name] for name in ("perplexity", "distinct_2", "repeated_4"))),
            ])  # fmt: skip
    heads = [
        "mark",
        "nats",
        *(f"{length} tokens" for length in lengths),
        "tokens to 10⁻⁶",
        "false on unmarked texts, 10⁻²; 10⁻³",
        "false under wrong keys, 10⁻²; 10⁻³",
        "perplexity; distinct-2; seq-rep-4",
    ]
    return heads, lines


def _quality(perplexity: float, distinct: float, repeated: float) -> str:
    return f"{perplexity:.1f}; {distinct:.2f}; {repeated:.2f}"


def _false(rows: list[Row], kind: str, pairs: int) -> str:
    """Pooled over rows; the interval counts each pair of answer and key once, for they are the same in all rows."""
    told = []
    for level in ("1e-2", "1e-3"):
        trials = sum(row[f"fpr_{kind}_trials"] for row in rows)
        rate = sum(row[f"fpr_{kind}_{level}"] * row[f"fpr_{kind}_trials"] for row in rows) / trials
        low, high = _wilson(rate, pairs)
        told.append(f"{100 * rate:.2g}% ({100 * low:.2g}–{100 * high:.2g})")
    return "; ".join(told)


def _wilson(share: float, trials: int) -> tuple[float, float]:
    z = 1.959964
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5 / (1 + z * z / trials)
    return max(0.0, middle - half), min(1.0, middle + half)


def _predicted(
    found: Row, held: dict[Any, Row], schemes: list[str], entropies: list[float], longest: int
) -> tuple[list[str], list[list[str]]]:
    kinds = list(dict.fromkeys(row["paraphraser"] for row in found["predicted"]))
    shown = [kinds[0], *(kind for kind in kinds if kind.startswith("GPT"))]
    by = {
        (row["scheme"], row["entropy"], row["paraphraser"], row["tokens"]): row for row in found["predicted"]
    }
    lines = []
    for entropy in entropies:
        for scheme in schemes:
            real = held[
                scheme, entropy, next(a for _, _, a, _ in held if a.startswith("paraphrase")), longest
            ]
            low, high = real["tpr_1e-2_low"], real["tpr_1e-2_high"]
            cells = [by[scheme, entropy, kind, longest] for kind in shown]
            lines.append([
                SHORT.get(scheme, scheme),
                f"{entropy}",
                f"{cells[0]['survival']:.0%}",
                f"{100 * real['tpr_1e-2']:.0f}% ({100 * low:.0f}–{100 * high:.0f})",
                *(f"{100 * cell['tpr_1e-2']:.0f}%" for cell in cells),
            ])  # fmt: skip
    heads = [
        "mark",
        "nats",
        "survives",
        "measured, DIPPER's masks",
        "predicted",
        *(f"predicted, {each}" for each in shown[1:]),
    ]
    return heads, lines
