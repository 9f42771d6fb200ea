"""Tests of a student by what it says: `ask` (a mark, by answers alone) and `lineage` (no mark at all)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.mark_kept import appended, mended, object_of
from headwater.cli.mark_student_inputs import (
    candidates_of,
    fail_option,
    keyring_option,
    left_out,
    max_tokens_option,
    names_option,
    out_option,
    readers_of,
    show,
    tested,
)
from headwater.cli.mark_student_log import held
from headwater.cli.options import PATH, as_json, manners
from headwater.cli.pages import page_place
from headwater.cli.terminal import Terminal
from headwater.errors import UnreadableInput, UsageError, Where
from headwater.places import keep_apart

if TYPE_CHECKING:
    from headwater.mark.student import Answer

#: Bytes of one answer of a server.
_MOST: Final = 8 << 20


@click.command()
@click.argument("prompts", type=PATH, metavar="PROMPTS")
@keyring_option
@names_option
@click.option(
    "--answers",
    type=PATH,
    required=True,
    metavar="FILE",
    help="Answers: read, and written where --url is given.",
)
@click.option("--url", metavar="URL", help="An OpenAI-compatible API, such as https://example.com/v1.")
@click.option("--model", metavar="NAME", default="", help="The model to ask there.")
@click.option("--key-env", metavar="VARIABLE", help="The environment variable that holds the API's key.")
@max_tokens_option
@click.option("--queries", type=click.IntRange(1), default=1000, show_default=True, metavar="N")
@click.option("--tokens", type=click.IntRange(1), default=1_000_000, show_default=True, metavar="N")
@tested
@as_json
@manners
def ask(
    terminal: Terminal,
    *,
    prompts: Path,
    keyring: Path,
    names: tuple[str, ...],
    answers: Path,
    url: str | None,
    model: str,
    key_env: str | None,
    max_tokens: int,
    queries: int,
    tokens: int,
    alpha: float,
    commitment: Path | None,
    log: Path | None,
    shown: tuple[Path, ...],
    out: Path | None,
    fail_on: str,
    as_json: bool,
) -> int:
    """Test a model by its answers to PROMPTS, one by one, until the evidence or the budget says stop.

    Answers are kept in --answers, so that a run that was ended goes on; without --url only those are read. --queries
    and --tokens are the budget, --max-tokens that of one answer. Looking often costs nothing: the p-value holds
    whenever one stops.
    """
    from headwater.explain import answers_record
    from headwater.mark import load_keyring
    from headwater.mark.student import Rule, bound, listen, of_answers, prompts_digest, prompts_of

    if out is not None:
        page_place(out, [prompts, keyring, commitment, answers])
    ring = load_keyring(keyring)
    candidates, _ = candidates_of(ring, names)
    committed, said = held(commitment, log, shown)
    asked = prompts_of(prompts)
    digest = prompts_digest(asked)
    readers = readers_of(ring, candidates)
    more = of_answers(readers, max_tokens)
    if committed is not None:
        committed.check(
            bound(
                "answers",
                candidates,
                alpha=alpha,
                reference_digest="",
                texts_digest=digest,
                salt=committed.salt,
                more=more,
            )
        )
    if url:
        keep_apart([answers], [prompts, keyring, *([commitment] if commitment else [])])
    send = _asker(url, model, key_env, max_tokens) if url else None
    rule = Rule(alpha, len(readers), queries, tokens)
    read = hashlib.sha256()
    with terminal.progress() as progress:
        found = listen(
            readers, _hashed(_answers(asked, answers, send), read), rule, prompts=asked, told=progress
        )
    record = answers_record(
        found,
        model or answers.name,
        digest,
        said,
        candidates=candidates,
        answers_sha256=read.hexdigest(),
        bound=more,
        left_out=left_out(ring, candidates, names),
    )
    return show(terminal, record, out, as_json=as_json, fail_on=fail_on, log=log)


@click.command()
@click.option("--model", "own", type=PATH, required=True, metavar="FILE", help="The own model's answers.")
@click.option("--suspect", type=PATH, required=True, metavar="FILE", help="The suspect's.")
@click.option(
    "--control",
    "controls",
    type=PATH,
    multiple=True,
    required=True,
    metavar="FILE",
    help="A control model's.",
)
@click.option(
    "--other",
    "others",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Of models that are no controls: a prompt counts where none of them gives the own model's answer.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 0.1, min_open=True, max_open=True),
    default=0.001,
    show_default=True,
    help="How often an unrelated suspect may be called closer.",
)
@out_option
@fail_option
@as_json
@manners
def lineage(
    terminal: Terminal,
    *,
    own: Path,
    suspect: Path,
    controls: tuple[Path, ...],
    others: tuple[Path, ...],
    alpha: float,
    out: Path | None,
    fail_on: str,
    as_json: bool,
) -> int:
    """Without a mark: does a suspect give the own model's rare answers more often than every control does?

    Files are JSON lines with `prompt` and `answer`, of the same prompts, asked alike (best at temperature 0). This
    claims less than a mark: models that learned from the same sources are alike, too.
    """
    from headwater.explain import lineage_record
    from headwater.mark.student import lineage as compared

    if out is not None:
        page_place(out, [own, suspect, *controls, *others])
    if len({path.stem for path in controls}) < len(controls):
        raise UsageError("two controls have the same name", hint="files are called after their models")
    found = compared(
        _said(own),
        _said(suspect),
        {path.stem: _said(path) for path in controls},
        others=[_said(path) for path in others],
        alpha=alpha,
    )
    record = lineage_record(found, own.stem, suspect.stem, None)
    return show(terminal, record, out, as_json=as_json, fail_on=fail_on)


def _said(path: Path) -> dict[str, str]:
    from headwater.mark.student import answers_of

    return {each.prompt: each.text for each in answers_of(path)}


def _answers(asked: list[str], path: Path, send: Callable[[str], Answer] | None) -> Iterator[Answer]:
    """The answers that are kept, then those of `send` to the prompts that are left, each kept before it is read."""
    from headwater.mark.student import answer_line, answers_of

    def kept() -> list[Answer]:
        found = answers_of(path) if path.stat().st_size else []
        if [each.prompt for each in found] != asked[: len(found)]:
            raise _others(path)
        return found

    if send is None:
        if not path.exists():
            raise UnreadableInput("does not exist", where=Where(str(path)), hint="ask a model: --url")
        yield from kept()
        return
    with appended(path) as file:
        _mended(path, asked)
        before = kept()
        yield from before
        for prompt in asked[len(before) :]:
            answer = send(prompt)
            file.write(answer_line(answer))
            file.flush()
            yield answer


def _hashed(answers: Iterator[Answer], into: Any) -> Iterator[Answer]:
    """The same answers, each put into a hash before it is read, as the line that `answer_line` writes."""
    from headwater.mark.student import answer_line

    for answer in answers:
        into.update(answer_line(answer).encode("utf-8", "surrogatepass"))
        yield answer


def _mended(path: Path, asked: list[str]) -> None:
    """Take away the line that a killed run had half written; UsageError where the file isn't one of answers."""
    from headwater.mark.student import Answer, answer_line

    lines = [answer_line(Answer(prompt, "")) for prompt in asked]
    try:
        begins = [each[: each.rindex('"answer"')].encode() for each in lines]
    except UnicodeEncodeError:
        raise UsageError("a prompt can't be written as UTF-8", hint="mend its \\u escapes") from None
    prompts = iter(asked)

    def read(number: int, line: bytes) -> None:
        if not line.strip():
            return
        told = object_of(line)
        if told is None or not isinstance(told.get("answer"), str):
            raise UsageError("is no answer", where=Where(str(path), number), hint="choose another file")
        if told.get("prompt") != next(prompts, None):
            raise _others(path)

    mended(path, read, lambda number: begins[number - 1] if number <= len(begins) else b"")


def _others(path: Path) -> UsageError:
    return UsageError(
        "holds answers to other prompts",
        where=Where(str(path)),
        hint="answers are to the prompts in their order; choose another file",
    )


def _asker(url: str, model: str, key_env: str | None, most: int) -> Callable[[str], Answer]:
    """Asks a chat completion of an OpenAI-compatible API."""
    from headwater.cli import web
    from headwater.cli.mark_endpoint import ANSWER_S, readable, tokens_at_least, tokens_told
    from headwater.mark.student import Answer

    if not model:
        raise UsageError("--url needs --model", hint="the name under which the API serves the model")
    if key_env is not None and not os.environ.get(key_env):
        raise UsageError(f"{key_env} isn't set in the environment", hint="--key-env names a variable")
    headers = web.bearer(os.environ[key_env] if key_env is not None else "")
    place = web.checked(url).rstrip("/") + "/chat/completions"

    def send(prompt: str) -> Answer:
        asked = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": most}
        body = json.dumps(asked).encode()
        content = web.ask(place, body, "application/json", _MOST, headers=headers, within_s=ANSWER_S)
        try:
            said: Any = json.loads(content)
            text = said["choices"][0]["message"]["content"] or ""
            if not isinstance(text, str):
                raise ValueError
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            what = "the server's answer is no chat completion"
            hint = "name the API, such as https://example.com/v1; run it again to go on"
            raise UnreadableInput(what, where=Where(place), hint=hint) from None
        told = tokens_told(said, "completion_tokens")
        text = readable(text)
        return Answer(prompt, text, max(told, tokens_at_least(text)) if told else 0)

    return send
