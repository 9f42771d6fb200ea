"""`headwater mark embed`: of several drafts of an answer, or of each sentence, the one that a mark's key likes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.mark_drafts import FORMAT, Row, rows_of, written
from headwater.cli.mark_endpoint import BudgetSpentError, Endpoint
from headwater.cli.mark_kept import appended
from headwater.cli.options import PATH, as_json, manners, max_bad, too_many_bad
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError
from headwater.places import keep_apart

if TYPE_CHECKING:
    from headwater.exchange import SetAside
    from headwater.mark import Mark, SentenceMark

#: The environment variable that holds an API's key, unless another is named.
KEY = "OPENAI_API_KEY"


@dataclass
class _Sum:
    """What a run did. `drafts`: of all choices; `nats`: evidence of the texts, each by itself."""

    texts: int = 0
    choices: int = 0
    drafts: int = 0
    bound: float = 0.0
    nats: float = 0.0
    kept: int = 0
    left: bool = field(default=False)

    def add(self, drafts: list[int], nats: float) -> None:
        self.texts += 1
        self.choices += len(drafts)
        self.drafts += sum(drafts)
        self.bound += sum(map(log, drafts))
        self.nats += nats


@click.command("embed")
@click.argument("drafts", type=PATH, metavar="DRAFTS")
@click.option("--keyring", type=PATH, required=True, metavar="FILE", help="The keyring that has the mark.")
@click.option("--mark", "name", required=True, metavar="NAME", help="The keyring's mark to write.")
@click.option(
    "-o", "--out", type=PATH, required=True, metavar="FILE", help="Where chosen texts go (JSON lines)."
)
@click.option(
    "--endpoint", metavar="URL", help="Draw drafts from this completions API, sentence by sentence."
)
@click.option("--model", metavar="NAME", help="The model to ask there.")
@click.option(
    "--key-env", metavar="VARIABLE", default=KEY, show_default=True, help="The variable with the API's key."
)
@click.option(
    "--drafts",
    "count",
    type=click.IntRange(2, 1000),
    default=16,
    show_default=True,
    help="Drafts of a sentence.",
)
@click.option(
    "--tokens", type=click.IntRange(1), default=1_000_000, show_default=True, help="Tokens to draw, in all."
)
@click.option(
    "--sentence-tokens",
    type=click.IntRange(8, 4096),
    default=64,
    show_default=True,
    help="Tokens of one draft at most.",
)
@click.option(
    "--sentences",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Sentences of one answer.",
)
@click.option("--temperature", type=click.FloatRange(0, 2, min_open=True), default=1.0, show_default=True)
@max_bad
@as_json
@manners
def command(
    terminal: Terminal,
    *,
    drafts: Path,
    keyring: Path,
    name: str,
    out: Path,
    endpoint: str | None,
    model: str | None,
    key_env: str,
    count: int,
    tokens: int,
    sentence_tokens: int,
    sentences: int,
    temperature: float,
    max_bad: int | None,
    as_json: bool,
) -> int:
    """Write a mark without a model's logits: of several drafts take the one that the key likes.

    DRAFTS are JSON lines with an id and either `drafts` (of the whole answer) or `sentences` (a list of drafts for
    each of them); with --endpoint they have an id and a `prompt`. Every draft keeps the chance that it had. Rows that
    stand in --out already are left as they are, so a run that was ended goes on.
    """
    from headwater.exchange import SetAside
    from headwater.mark import load_keyring

    asked = None
    if endpoint is not None:
        if not model:
            raise UsageError("--endpoint needs --model")
        key = os.environ.get(key_env, "")
        asked = Endpoint(endpoint, model, count, tokens, sentence_tokens, temperature, key)
    keep_apart([out], [drafts, keyring])
    mark = load_keyring(keyring).to_write(name)
    total = _Sum()
    with terminal.progress() as progress, SetAside() as aside, appended(out) as file:
        done = written(out, name)
        for number, row in enumerate(rows_of(drafts, aside, asked=asked is not None)):
            progress("choose drafts", number, None)
            if row.name in done:
                total.kept += 1
                continue
            try:
                file.write(_line(_written(row, mark, asked, sentences, total)))
            except BudgetSpentError:
                total.left = True
                break
            file.flush()
    _tell(terminal, total, asked, aside, out, as_json=as_json)
    return too_many_bad(terminal, aside.total, max_bad)


def _written(
    row: Row, mark: Mark | SentenceMark, asked: Endpoint | None, most: int, total: _Sum
) -> dict[str, Any]:
    """One row of the output."""
    from headwater.mark import SentenceMark, writer

    writing = writer(mark, row.prompt)
    before = (asked.spent, asked.read) if asked else (0, 0)
    chosen, counts = [], []
    for options, ends in _choices(row, writing, asked, most):
        taken = writing.choose(options)
        chosen.append(taken)
        counts.append(len(options))
        if ends[taken]:
            break
    nats = -writing.log_p()
    total.add(counts, nats)
    cost = {"tokens": asked.spent - before[0], "tokens_read": asked.read - before[1]} if asked else {}
    scheme = mark.embedder if isinstance(mark, SentenceMark) else mark.scheme.name
    return {
        "format": FORMAT,
        "id": row.name,
        "text": writing.text,
        "mark": mark.name,
        "by": scheme,
        "chosen": [each + 1 for each in chosen],
        "drafts": counts,
        "log10_p": round(-nats / log(10), 4) + 0.0,
        **cost,
    }


def _choices(
    row: Row, writing: Any, asked: Endpoint | None, most: int
) -> Iterator[tuple[list[str], list[bool]]]:
    """The drafts of each part, and which of them end the answer."""
    if asked is None:
        for each in row.choices:
            yield list(each), [False] * len(each)
        return
    for _ in range(most):
        found = asked.next_drafts(row.prompt, writing.text)
        yield [text for text, _ in found], [ends for _, ends in found]


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _tell(
    terminal: Terminal, total: _Sum, asked: Endpoint | None, aside: SetAside, out: Path, *, as_json: bool
) -> None:
    from headwater.explain import words
    from headwater.explain.audited import set_aside_lines

    cost = {"tokens": asked.spent, "tokens_read": asked.read} if asked else {}
    if as_json:
        terminal.json(
            {
                "texts": total.texts,
                "left_as_they_were": total.kept,
                "choices": total.choices,
                "drafts": total.drafts,
                "nats": round(total.nats, 4),
                "nats_at_most": round(total.bound, 4),
                "budget_spent": total.left,
                **cost,
                "set_aside": aside.total,
                "set_aside_rows": [
                    {"file": row.where.file, "row": row.where.row, "field": row.where.field, "what": row.what}
                    for row in aside.rows
                ],
                "out": str(out),
            }
        )
        return
    lines = ["no text was written"]
    if total.texts:
        choices = max(1, total.choices)
        texts, drafts = words.many(total.texts, "text"), total.drafts / choices
        found, most = total.nats / choices, total.bound / choices
        lines = [
            f"{texts} of {total.choices:,} choices among {drafts:.1f} drafts each",
            f"evidence: {found:.2f} nats a choice, of {most:.2f} that a choice can give",
        ]
    if asked and asked.spent:
        a_nat = f"; {asked.spent / total.nats:,.0f} written a nat" if total.nats > 0 else ""
        lines.append(f"tokens: {asked.spent:,} written, {asked.read:,} read{a_nat}")
    were = "was" if total.kept == 1 else "were"
    lines += [f"{words.many(total.kept, 'text')} {were} there already"] * bool(total.kept)
    lines += ["the budget of tokens is spent: the next run goes on from here"] * total.left
    lines += set_aside_lines(aside)
    lines += [f"wrote {out}"] * bool(total.texts)
    terminal.out("".join(f"{clean(line)}\n" for line in lines))
