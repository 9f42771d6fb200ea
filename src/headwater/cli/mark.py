"""`headwater mark`: read the marks that serving engines put into text, show where they are, trace whose they were."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from headwater.cli.options import HELP, PATH, Group, as_json, manners, max_bad, too_many_bad
from headwater.cli.terminal import Terminal
from headwater.errors import HeadwaterError, UsageError, Where

if TYPE_CHECKING:
    from headwater.exchange import SetAside
    from headwater.mark import Detection, Evidence, EvidenceOf, Keyring, Mark, Scheme
    from headwater.provenance.audit import CorpusTrace

FOUND = 1
#: Files of a folder that are looked at; a data set of many texts is for the audit.
_MOST_FILES = 10_000

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


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Read marks in text, show where they are, and trace whose they were."""


@command.command()
@click.argument("texts", nargs=-1, required=True, metavar="TEXT|FILE|DIR...")
@keyring_option
@prompt_option
@evidence_option
@proxy_option
@alpha_option
@click.option(
    "--fail-on",
    type=click.Choice(["marked", "never"]),
    default="never",
    show_default=True,
    help="Exit with 1 where a text is marked.",
)
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
    fail_on: str,
    as_json: bool,
) -> int:
    """Say which marks of a keyring texts carry: marked, not shown, or not enough evidence.

    TEXT is taken as it stands where it holds a space; FILE is one text; of a DIR each file is one; - reads what comes
    in. Every p-value counts all keys, tokenizers, readings, windows and texts that were looked at.
    """
    ring = _keyring(keyring)
    reader = _reader(evidence, proxy)
    asked = _read(prompt) if prompt else ""
    found = list(_texts(texts))
    results: list[tuple[str, Detection]] = []
    bad = 0
    with terminal.progress() as progress:
        for number, (name, text) in enumerate(found):
            progress("read marks", number, len(found))
            if isinstance(text, HeadwaterError):
                bad += 1
                terminal.warn(str(text))
                continue
            results.append((name, _detect(text, ring, reader, asked, alpha, len(found))))
    from headwater.explain import mark_board, mark_record

    if as_json:
        terminal.json([mark_record(name, each) for name, each in results])
    else:
        terminal.draw(
            mark_board(results, below=[f"{bad:,} of {len(found):,} texts could not be read"] * bool(bad))
        )
    if bad and not results:
        return 2
    marked = any(each.found for _, each in results)
    return FOUND if marked and fail_on == "marked" else 0


@command.command()
@click.argument("file", type=PATH, metavar="FILE")
@keyring_option
@prompt_option
@evidence_option
@proxy_option
@alpha_option
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
    out: Path,
    as_json: bool,
) -> int:
    """Write a page of FILE with its marked passages set off."""
    ring = _keyring(keyring)
    text = _read(file)
    found = _detect(text, ring, _reader(evidence, proxy), _read(prompt) if prompt else "", alpha, 1)
    from headwater.explain import mark_page, mark_record, mark_verdict
    from headwater.places import together
    from headwater.report import html

    with together(out.parent) as place:
        place(out.name).write_bytes(html(mark_page(file.name, text, found)))
    if as_json:
        terminal.json({**mark_record(file.name, found), "page": str(out)})
    else:
        terminal.out(f"{mark_verdict(file.name, found)}\n{out}\n")
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
    exact whatever it was learned from; only its power depends on how like the texts to be tested are.
    """
    from headwater.mark import learned, load_proxy, save_evidence

    ring = _keyring(keyring)
    mark = next((each for each in ring.marks if each.name == name), None)
    if mark is None:
        known = ", ".join(each.name for each in ring.marks) or "none"
        raise UsageError(f"no mark is called {name!r}", where=Where(str(keyring)), hint=f"marks: {known}")
    read = [text for _, text in _texts(texts) if isinstance(text, str)]
    with terminal.progress() as progress:
        progress("read marks", 0, len(read))
        found = learned(mark, read, proxy=load_proxy(proxy) if proxy else None)
    save_evidence(found.evidence, out)
    terminal.out(
        f"{found.units:,} units of {len(read):,} texts; a unit tells {found.gain:.2f} times as much\n{out}\n"
    )
    return 0


@command.command()
@click.argument("dataset", type=PATH, metavar="DATASET")
@keyring_option
@click.option("--text", "text", multiple=True, metavar="COLUMN", help="Read these columns only.")
@click.option(
    "--level",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.05,
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

    ring = _keyring(keyring)
    with terminal.progress() as progress, SetAside() as aside:
        found = trace_corpus(
            dataset,
            ring,
            text=frozenset(text),
            level=level,
            evidence_of=_reader(evidence, proxy),
            aside=aside,
            progress=progress,
        )
    _show_trace(terminal, dataset.name or str(dataset), found, aside, out, as_json=as_json)
    if code := too_many_bad(terminal, aside.total, max_bad):
        return code
    return FOUND if found.found and fail_on == "named" else 0


def _show_trace(
    terminal: Terminal, name: str, found: CorpusTrace, aside: SetAside, out: Path | None, *, as_json: bool
) -> None:
    from headwater.explain import trace_board, trace_page, trace_record, words
    from headwater.places import together
    from headwater.report import html

    below = [f"{words.many(aside.total, 'row')} set aside:"] if aside.total else []
    below += [f"  {count:,} × {reason}" for reason, count in aside.by_reason()[:5]]
    if out is not None:
        with together(out.parent) as place:
            place(out.name).write_bytes(html(trace_page(name, found, aside.total)))
        below.append(str(out))
    if as_json:
        terminal.json({**trace_record(name, found, aside.total), "page": out and str(out)})
    else:
        terminal.draw(trace_board(name, found, below=below))


@command.command()
@as_json
@manners
def schemes(terminal: Terminal, *, as_json: bool) -> int:
    """List the schemes that can be read, and what each was checked against."""
    from headwater.mark import card, names

    cards = {name: dict(card(name)) for name in names()}
    if as_json:
        terminal.json(cards)
        return 0
    for name, told in cards.items():
        terminal.out(f"{name}\n" + "".join(f"  {key}: {value}\n" for key, value in told.items()))
    return 0


def _keyring(path: Path) -> Keyring:
    from headwater.mark import load_keyring

    return load_keyring(path)


def _reader(evidence: tuple[Path, ...], proxy: Path | None) -> EvidenceOf:
    """What scores each scheme: a file of learned evidence where one names it, else the engine's own statistic."""
    from headwater.mark import load_evidence, load_proxy, plain

    given = load_proxy(proxy) if proxy else None

    by_scheme: dict[str, list[Path]] = {}
    for path in evidence:
        by_scheme.setdefault(_scheme_of(path), []).append(path)
    for name, paths in by_scheme.items():
        if len(paths) > 1:
            raise UsageError(f"two detectors for {name}", hint="choose one before you look at the text")

    @cache
    def reader(scheme: Scheme) -> Evidence:
        named = [load_evidence(path, scheme.null, proxy=given) for path in by_scheme.get(scheme.name, ())]
        return named[0] if named else plain(scheme)

    return cast("EvidenceOf", reader)


def _scheme_of(path: Path) -> str:
    from headwater.mark import evidence_scheme

    return evidence_scheme(path)


def _marks(ring: Keyring) -> tuple[Mark, ...]:
    """The marks to look for; there must be one."""
    marks = ring.current()
    if not marks:
        hint = "add a [[mark]]; one that is revoked isn't looked for"
        raise UsageError("has no mark to look for", where=Where(str(ring.path)), hint=hint)
    return marks


def _detect(text: str, ring: Keyring, reader: EvidenceOf, prompt: str, alpha: float, texts: int) -> Detection:
    from headwater.mark import detect as read

    return read(text, _marks(ring), evidence_of=reader, prompt=prompt, alpha=alpha, texts=texts)


def _read(path: Path) -> str:
    from headwater.mark import read_text

    return read_text(path)


def _texts(given: tuple[str, ...]) -> Iterator[tuple[str, str | HeadwaterError]]:
    for each in given:
        if each == "-":
            yield "standard input", sys.stdin.read()
            continue
        path = Path(each)
        if _exists(path):
            yield from _files(path)
        elif any(letter.isspace() for letter in each):
            yield "text", each
        else:
            raise UsageError(
                "no such file or folder", where=Where(each), hint="a text is taken where it holds a space"
            )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # longer than a path may be
        return False


def _files(path: Path) -> Iterator[tuple[str, str | HeadwaterError]]:
    paths = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    if len(paths) > _MOST_FILES:
        hint = "headwater audit reads marks in data sets: --keyring"
        raise UsageError(f"{len(paths):,} files", where=Where(str(path)), hint=hint)
    if not paths:
        raise UsageError("holds no files", where=Where(str(path)))
    for each in paths:
        try:
            yield str(each), _read(each)
        except HeadwaterError as error:
            yield str(each), error
