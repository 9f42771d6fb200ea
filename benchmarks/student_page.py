"""The part of docs/reference/figures.md about students, from `benchmarks/marks/student.json`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
Table = Callable[[list[str], list[list[str]]], str]
_REFERENCES = ("base", "sibling", "teacher", "none")
_TOY = (
    "**A toy: small models of one shape, a vocabulary of 4,096 tokens, answers at temperature 1.** Contexts come again "
    "far more often than with a real vocabulary, entropies are far above a chat model's, and all that a student learns "
    "from is the teacher's text unless a row says otherwise. What carries over is the order of things and that the "
    "p-values are right, not their size."
)


def section(found: Row, table: Table) -> str:
    """Students under every test, accounts, keys that nobody used, and what marks cost."""
    teacher, base, training = found["models"]["teacher"], found["models"]["base"], found["training"]
    opening = (
        f"A teacher of {teacher['parameters']:,} parameters answers prompts from novels "
        f"({training['teacher_tokens'][0]:,} tokens a mark for the first seed, half as many under other keys for the "
        f"others); a base of {base['parameters']:,}, trained on other text, "
        f"learns from the answers, {training['epochs']} times over ({found['date']}, {found['revision']}; torch "
        f"{found['machine']['torch']}). log10 p of the true key, one number a seed; weights are read at 128 texts "
        "(the provider's stored answers, or novels that carry no mark), answers are 256 of 112 tokens."
    )
    single = [each for each in found["students"] if "answers" in each]
    layered = [each for each in found["students"] if "master" in each]
    parts = [opening, _TOY, _marks(single, layered, table), _references(single, table)]
    if layered:
        parts.append(_accounts(layered, table))
    parts += [_wrong(found["wrong"], table), _cost(found, table)]
    if found["missing"]:
        parts.append(f"**Not the whole run.** Of its plan these are missing: {'; '.join(found['missing'])}.")
    if "paraphrase" in found:
        rates = found["paraphrase"]["kept"]
        parts.append(
            f"Paraphrased: what DIPPER kept of {found['paraphrase']['pairs']} real essays, replayed: {rates['0']:.0%} "
            f"of the tokens stay, {rates['1']:.0%} with the token before them, {rates['2']:.0%} with two, "
            f"{rates['4']:.0%} with four."
        )
    return "\n\n".join(parts)


def _worlds(students: Sequence[Row]) -> dict[str, list[Row]]:
    made: dict[str, list[Row]] = {}
    for each in students:
        made.setdefault(each["world"], []).append(each)
    return made


def _told(values: Sequence[float | None]) -> str:
    found = [f"{value:.1f}".replace("-", "−") for value in values if value is not None]
    return ", ".join(found) or "–"


def _marks(single: Sequence[Row], layered: Sequence[Row], table: Table) -> str:
    rows = []
    for world, seeds in _worlds(single).items():
        cells = [
            _told([each[mode].get(pair, {}).get("log10_p") for each in seeds])
            for mode in ("served log", "unsupervised")
            for pair in ("student | base", "unmarked | base")
        ]
        rows.append(
            [
                world,
                cells[0],
                cells[2],
                _told([each["answers"]["log10_p"] for each in seeds]),
                cells[1],
                cells[3],
            ]
        )
    for world, seeds in _worlds(layered).items():
        cells = [
            _told([each["master"][mode]["log10_p"] for each in seeds])
            for mode in ("served log", "unsupervised", "answers")
        ]
        rows.append([f"{world}: the master's key", *cells, "–", "–"])
    heads = [
        "the student's text",
        "weights, stored answers",
        "weights, other texts",
        "its answers",
        "unmarked student, stored answers",
        "unmarked student, other texts",
    ]
    return table(heads, rows)


def _references(single: Sequence[Row], table: Table) -> str:
    rows = []
    for world, seeds in _worlds(single).items():
        for mode in ("served log", "unsupervised"):
            cells = [
                _told([each[mode].get(f"student | {name}", {}).get("log10_p") for each in seeds])
                for name in _REFERENCES
            ]
            rows.append([world, "stored answers" if mode == "served log" else "other texts", *cells])
    heads = ["the student's text", "read at", "base", "sibling", "teacher itself", "no reference"]
    return (
        "By the model that the student is compared with: its exact base, a sibling (the base trained on other unmarked "
        f"text), the teacher itself, and nothing.\n\n{table(heads, rows)}"
    )


def _accounts(layered: Sequence[Row], table: Table) -> str:
    rows = []
    for world, seeds in _worlds(layered).items():
        for mode in ("served log", "unsupervised"):
            named = [sum(each[mode]["named"]) for each in seeds]
            false = sum(each[mode]["false_names"] for each in seeds)
            told = [_shares(each[mode]) for each in seeds]
            rows.append([
                world,
                "each its own stored answers" if mode == "served log" else "other texts",
                ", ".join(f"{number} of 8" for number in named),
                str(false),
                ", ".join(f"{inside} of 8" for inside, _ in told),
                ", ".join(f"{error:.1%}" for _, error in told),
            ])  # fmt: skip
    heads = [
        "the student's text",
        "read at",
        "named",
        "false names (of 4 a seed)",
        "shares in their intervals",
        "mean error",
    ]
    return (
        "Accounts (Holm over all twelve, 1%), and the shares that they are said to have (the intervals are of about "
        "95%, by stored answers widened by what isn't known: whether each text was learned for itself). Unequal ones "
        "have 30, 20, 15, 12, 10, 7, 4 and 2% of the text.\n\n"
        f"{table(heads, rows)}"
    )


def _shares(found: Row) -> tuple[int, float]:
    each = list(zip(found["true_shares"], found["shares"], found["low"], found["high"], strict=True))
    inside = sum(low <= true <= high for true, _, low, high in each)
    return inside, sum(abs(said - true) for true, said, _, _ in each) / len(each)


def _wrong(rows: Sequence[Row], table: Table) -> str:
    made = [
        [
            each["world"],
            f"{each['keys']:,}",
            *(f"{rate['rate']:.4f} ({rate['low']:.4f} to {rate['high']:.4f})" for rate in each["rates"]),
            f"{each['kolmogorov']:.4f}",
        ]
        for each in rows
    ]
    heads = [
        "the student's text",
        "keys",
        "p ≤ 0.5",
        "p ≤ 0.1",
        "p ≤ 0.01",
        "p ≤ 0.001",
        "farthest from even",
    ]
    return f"Keys that nobody used, on the same students (intervals of 95%).\n\n{table(heads, made)}"


def _cost(found: Row, table: Table) -> str:
    rows = [
        [
            world,
            ", ".join(f"{each['collateral']['distinct_2']:.3f}" for each in seeds),
            ", ".join(f"{each['collateral']['loss_unmarked_answers']:.3f}" for each in seeds),
            ", ".join(f"{each['collateral']['loss_novels']:.3f}" for each in seeds),
        ]
        for world, seeds in _worlds(found["students"]).items()
    ]
    for name in ("base", "teacher"):
        model = found["models"][name]
        rows.append(
            [f"({name})", "–", f"{model['loss_unmarked_answers']:.3f}", f"{model['loss_novels']:.3f}"]
        )
    heads = [
        "the student's text",
        "distinct-2 of its answers",
        "nats a token, unmarked answers",
        "nats a token, novels",
    ]
    return f"What a mark costs the student, a number a seed.\n\n{table(heads, rows)}"
