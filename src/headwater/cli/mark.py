"""`headwater mark`: read the marks that serving engines put into text, show where they are, trace whose they were."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from headwater.cli.mark_texts import content_of, read_file, texts_of
from headwater.cli.options import HELP, PATH, Group, as_json, manners, max_bad, too_many_bad
from headwater.cli.pages import new_place, page_place, write_page
from headwater.cli.terminal import Terminal, clean
from headwater.errors import HeadwaterError, UnreadableInput, UsageError, Where

if TYPE_CHECKING:
    from headwater.exchange import SetAside
    from headwater.mark import Detection, Evidence, EvidenceOf, Keyring, Mark, Scheme, SentenceMark
    from headwater.provenance.audit import CorpusTrace

FOUND = 1

keyring_option = click.option(
    "--keyring",
    type=PATH,
    required=True,
    metavar="FILE",
    help="The keys to look for, with their schemes and tokenizers (TOML).",
)
prompt_option = click.option(
    "--prompt",
    type=PATH,
    metavar="FILE",
    help="What the model was asked: read as context, never scored.",
)
on_option = click.option(
    "--on",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    metavar="DATE",
    help="Look only for marks that were in use on that day (the keyring's from and until).",
)
evidence_option = click.option(
    "--evidence",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="A detector learned from own traffic (`mark learn`), for the scheme that it names.",
)
proxy_option = click.option(
    "--proxy",
    type=PATH,
    metavar="FILE",
    help="A small model that says how expected each token was (.npz).",
)
alpha_option = click.option(
    "--alpha",
    type=click.FloatRange(0, 0.1, min_open=True),
    default=1e-6,
    show_default=True,
    help="How often texts without a mark may be called marked, all together.",
)


#: Commands that are imported when they are called: name → module of its `command`.
LATER = {
    "bench": "headwater.cli.mark_bench",
    "embed": "headwater.cli.mark_embed",
    "student": "headwater.cli.mark_student",
}


class Marks(Group):
    """The commands here, and those of `LATER`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in order."""
        return sorted([*super().list_commands(ctx), *LATER])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported where it is one of `LATER`."""
        if cmd_name not in LATER:
            return super().get_command(ctx, cmd_name)
        found: click.Command = import_module(LATER[cmd_name]).command
        return found


@click.group(cls=Marks, context_settings=HELP)
def command() -> None:
    """Read marks in text, show where they are, and trace whose they were."""


@command.command()
@click.argument("texts", nargs=-1, required=True, metavar="TEXT|FILE|DIR...")
@keyring_option
@prompt_option
@evidence_option
@proxy_option
@alpha_option
@on_option
@click.option(
    "--fail-on",
    type=click.Choice(["marked", "never"]),
    default="never",
    show_default=True,
    help="Exit with 1 where a text is marked.",
)
@max_bad
@as_json
@manners
def detect(
    terminal: Terminal,
    *,
    texts: tuple[str, ...],
    keyring: Path,
    prompt: Path | None,
    evidence: tuple[Path, ...],
    proxy: Path | None,
    alpha: float,
    on: datetime | None,
    fail_on: str,
    max_bad: int | None,
    as_json: bool,
) -> int:
    """Say which marks of a keyring texts carry: marked, not shown, or not enough evidence.

    TEXT is taken as it stands where it holds a space; FILE is one text; of a DIR each file is one; - reads what comes
    in. Every p-value counts all keys, tokenizers, readings, windows and texts that were looked at.
    """
    ring = _keyring(keyring)
    marks, reader = _marks(ring, on), _reader(ring, evidence, proxy)
    asked = read_file(prompt) if prompt else ""
    found = texts_of(texts, keyring, terminal)
    results: list[tuple[str, Detection]] = []
    bad: list[tuple[str, HeadwaterError]] = []
    with terminal.progress() as progress:
        for number, (name, text) in enumerate(found):
            progress("read marks", number, len(found))
            try:
                results.append(
                    (name, _detect(content_of(text), marks, reader, asked, _checked(alpha), len(found)))
                )
            except UnreadableInput as error:
                bad.append((name, error))
                terminal.warn(clean(str(error) if error.where.file else f"{name}: {error}"))
    from headwater.explain import mark_board, mark_records

    known: tuple[Mark | SentenceMark, ...] = (*ring.marks, *ring.sentences)
    left_out = [each.name for each in known if each not in marks]
    if as_json:
        terminal.json(mark_records(results, [(name, each.what) for name, each in bad], left_out, alpha))
    else:
        below = [f"{len(bad):,} of {len(found):,} texts could not be read"] * bool(bad)
        below += [f"not looked for (revoked, or not in use then): {', '.join(left_out)}"] * bool(left_out)
        terminal.draw(mark_board(results, below=below))
    if bad and not results:
        return 2
    if code := too_many_bad(terminal, len(bad), max_bad):
        return code
    marked = any(each.found for _, each in results)
    return FOUND if marked and fail_on == "marked" else 0


@command.command()
@click.argument("file", type=PATH, metavar="FILE")
@keyring_option
@prompt_option
@evidence_option
@proxy_option
@alpha_option
@on_option
@click.option("-o", "--out", type=PATH, default=Path("marks.html"), show_default=True, metavar="FILE")
@as_json
@manners
def show(
    terminal: Terminal,
    *,
    file: Path,
    keyring: Path,
    prompt: Path | None,
    evidence: tuple[Path, ...],
    proxy: Path | None,
    alpha: float,
    on: datetime | None,
    out: Path,
    as_json: bool,
) -> int:
    """Write a page of FILE with its marked passages set off."""
    kept = [file, keyring, *evidence, *([prompt] if prompt else []), *([proxy] if proxy else [])]
    page_place(out, kept)
    ring = _keyring(keyring)
    marks, text = _marks(ring, on), read_file(file)
    found = _detect(
        text, marks, _reader(ring, evidence, proxy), read_file(prompt) if prompt else "", _checked(alpha), 1
    )
    from headwater.explain import mark_page, mark_record, mark_verdict
    from headwater.report import html

    write_page(out, html(mark_page(file.name, text, found)))
    if as_json:
        terminal.json({**mark_record(file.name, found), "page": str(out)})
    else:
        terminal.out(f"{clean(mark_verdict(file.name, found))}\nwrote {clean(str(out))}\n")
    return 0


@command.command()
@click.argument("texts", nargs=-1, required=True, metavar="FILE|DIR...")
@keyring_option
@click.option(
    "--mark", "name", required=True, metavar="NAME", help="The keyring's mark that the texts carry."
)
@proxy_option
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="Where to write the detector.")
@manners
def learn(
    terminal: Terminal, *, texts: tuple[str, ...], keyring: Path, name: str, proxy: Path | None, out: Path
) -> int:
    """Learn a better detector for a mark from own traffic: texts that were served with it.

    With a proxy it scores rare tokens, and those where there was much choice, higher than others. Its p-values are
    exact for text that it wasn't learned from: what a text shares with the texts here, word for word, isn't scored.
    How much it finds depends on how like them the texts to be tested are.
    """
    from headwater.mark import learned, load_proxy, save_evidence

    ring = _keyring(keyring)
    mark = next((each for each in ring.marks if each.name == name), None)
    if mark is None:
        known = ", ".join(each.name for each in ring.marks) or "none"
        if any(each.name == name for each in ring.accounts):
            known += "; for accounts give one of their keys a [[mark]] of its own"
        raise UsageError(f"no mark is called {name!r}", where=Where(str(keyring)), hint=f"marks: {known}")
    new_place(out)
    read = [content_of(text) for _, text in texts_of(texts, keyring, terminal)]
    with terminal.progress() as progress:
        progress("read marks", 0, len(read))
        found = learned(mark, read, proxy=load_proxy(proxy) if proxy else None)
    save_evidence(found.evidence, out)
    terminal.out(
        f"{found.units:,} units of {len(read):,} texts; a unit tells {found.gain:.2f} times as much\n{out}\n"
    )
    return 0


@command.command()
@click.argument("texts", nargs=-1, required=True, metavar="FILE|DIR...")
@keyring_option
@click.option("--tokenizer", "name", required=True, metavar="NAME", help="One of the keyring's tokenizers.")
@click.option(
    "--order",
    type=click.IntRange(1, 8),
    default=3,
    show_default=True,
    help="Tokens of a window: 1 counts tokens alone, 3 what follows two others.",
)
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="Where to write the counts.")
@manners
def count(
    terminal: Terminal, *, texts: tuple[str, ...], keyring: Path, name: str, order: int, out: Path
) -> int:
    """Count tokens of texts, as a proxy that needs no model (--proxy).

    Take texts like those that are to be tested that weren't served under the key that is looked for: other keys',
    unmarked ones, people's. The file holds hashes of windows of the texts, and no text.
    """
    from headwater.mark import count_tokens, save_counts

    ring = _keyring(keyring)
    if name not in ring.tokenizers:
        hint = f"tokenizers: {', '.join(ring.tokenizers)}"
        raise UsageError(f"no tokenizer is called {name!r}", where=Where(str(keyring)), hint=hint)
    new_place(out)
    read = [content_of(text) for _, text in texts_of(texts, keyring, terminal)]
    counts, tokens = count_tokens(ring.tokenizers[name], read, order=order)
    save_counts(counts, out)
    terminal.out(f"{tokens:,} tokens of {len(read):,} texts\nwrote {clean(str(out))}\n")
    return 0


@command.command()
@click.argument("dataset", type=PATH, metavar="DATASET")
@keyring_option
@click.option("--text", "text", multiple=True, metavar="COLUMN", help="Read these columns only.")
@click.option(
    "--level",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.001,
    show_default=True,
    help="How often any key without a part in the data may be named, all keys together.",
)
@evidence_option
@proxy_option
@click.option("-o", "--out", type=PATH, metavar="FILE", help="Write a page of it, too.")
@click.option(
    "--fail-on",
    type=click.Choice(["named", "never"]),
    default="never",
    show_default=True,
    help="Exit with 1 where an account is named.",
)
@max_bad
@as_json
@manners
def trace(
    terminal: Terminal,
    *,
    dataset: Path,
    keyring: Path,
    text: tuple[str, ...],
    level: float,
    evidence: tuple[Path, ...],
    proxy: Path | None,
    out: Path | None,
    fail_on: str,
    max_bad: int | None,
    as_json: bool,
) -> int:
    """Say under which accounts' keys outputs in DATASET were picked, and how much of it.

    DATASET is a file or a folder, as `headwater audit` reads it. Accounts are those of the keyring's [[accounts]], and
    of marks with an `account`; every key of every account and period is tested, and all of them are counted.
    """
    from headwater.exchange import SetAside
    from headwater.provenance.audit import trace_corpus

    if out is not None:
        page_place(out, [dataset, keyring, *evidence, proxy])
    ring = _keyring(keyring)
    reader = _reader(ring, evidence, proxy)
    _for_accounts(ring, evidence)
    with terminal.progress() as progress, SetAside() as aside:
        found = trace_corpus(
            dataset,
            ring,
            text=frozenset(text),
            level=level,
            evidence_of=reader,
            aside=aside,
            progress=progress,
        )
    _show_trace(terminal, dataset.name or str(dataset), found, aside, out, as_json=as_json)
    if code := too_many_bad(terminal, aside.total, max_bad):
        return code
    return FOUND if found.found and fail_on == "named" else 0


def _for_accounts(ring: Keyring, evidence: tuple[Path, ...]) -> None:
    """UsageError where a detector is for a scheme that no account's key has: nothing would be read with it."""
    schemes = {each.scheme.name for each in ring.accounts if not each.revoked}
    schemes |= {each.scheme.name for each in ring.current() if each.account}
    for path in evidence:
        if schemes and (name := _scheme_of(path)) not in schemes:
            told = ", ".join(sorted(schemes))
            what = f"the detector is for {name}, and no account's key is for that scheme"
            raise UsageError(what, where=Where(str(path)), hint=f"schemes of the accounts: {told}")


def _show_trace(
    terminal: Terminal, name: str, found: CorpusTrace, aside: SetAside, out: Path | None, *, as_json: bool
) -> None:
    from headwater.explain import trace_board, trace_page, trace_record
    from headwater.explain.audited import set_aside_lines
    from headwater.report import html

    below = set_aside_lines(aside)
    if out is not None:
        write_page(out, html(trace_page(name, found, aside.total)))
        below.append(f"wrote {out}")
    if as_json:
        terminal.json({**trace_record(name, found, aside.total), "page": out and str(out)})
    else:
        terminal.draw(trace_board(name, found, below=below))


@command.command()
@as_json
@manners
def schemes(terminal: Terminal, *, as_json: bool) -> int:
    """List the schemes that can be read, and what each was checked against."""
    from headwater.mark import SENTENCES, SENTENCES_CARD, card, names

    cards = {name: dict(card(name)) for name in names()} | {SENTENCES: SENTENCES_CARD}
    if as_json:
        terminal.json(cards)
        return 0
    for name, told in cards.items():
        terminal.out(f"{name}\n" + "".join(f"  {key}: {value}\n" for key, value in told.items()))
    return 0


def _keyring(path: Path) -> Keyring:
    from headwater.mark import load_keyring

    return load_keyring(path)


def _reader(ring: Keyring, evidence: tuple[Path, ...], proxy: Path | None) -> EvidenceOf:
    """What scores each scheme: a file of learned evidence where one names it, else the engine's own statistic."""
    from headwater.mark import load_evidence, load_proxy, plain

    if proxy and not evidence:
        raise UsageError(
            "a proxy is read with --evidence alone", hint="headwater mark learn makes the evidence"
        )
    given = load_proxy(proxy) if proxy else None
    by_scheme: dict[str, list[Path]] = {}
    for path in evidence:
        by_scheme.setdefault(_scheme_of(path), []).append(path)
    known = {each.scheme.name for each in ring.marks} | {each.scheme.name for each in ring.accounts}
    for name, paths in by_scheme.items():
        if len(paths) > 1:
            raise UsageError(f"two detectors for {name}", hint="choose one before you look at the text")
        if name not in known:
            what = f"the detector is for {name}, which no mark of the keyring has"
            raise UsageError(
                what, where=Where(str(paths[0])), hint=f"schemes there: {', '.join(sorted(known))}"
            )

    @cache
    def reader(scheme: Scheme) -> Evidence:
        named = [
            load_evidence(path, scheme.null, streams=scheme.streams, proxy=given)
            for path in by_scheme.get(scheme.name, ())
        ]
        return named[0] if named else plain(scheme)

    return cast("EvidenceOf", reader)


def _scheme_of(path: Path) -> str:
    from headwater.mark import evidence_scheme

    return evidence_scheme(path)


def _checked(alpha: float) -> float:
    """`alpha`; what isn't a number passes click's range."""
    if not isfinite(alpha):
        raise UsageError("--alpha is a number above 0, at most 0.1")
    return alpha


def _marks(ring: Keyring, on: datetime | None) -> tuple[Mark | SentenceMark, ...]:
    """The marks to look for, those on sentences last; there must be one."""
    day = on.date() if on else None
    marks: tuple[Mark | SentenceMark, ...] = (*ring.current(day), *ring.current_sentences(day))
    if not marks:
        hint = "add a [[mark]]; one that is revoked, or was not in use on that day, isn't looked for"
        raise UsageError("has no mark to look for", where=Where(str(ring.path)), hint=hint)
    return marks


def _detect(
    text: str,
    marks: tuple[Mark | SentenceMark, ...],
    reader: EvidenceOf,
    prompt: str,
    alpha: float,
    texts: int,
) -> Detection:
    from headwater.mark import Mark, SentenceMark
    from headwater.mark import detect as read

    return read(
        text,
        [each for each in marks if isinstance(each, Mark)],
        sentences=[each for each in marks if isinstance(each, SentenceMark)],
        evidence_of=reader,
        prompt=prompt,
        alpha=alpha,
        texts=texts,
    )


def _read(path: Path) -> str:
    from headwater.mark import read_text

    return read_text(path)
