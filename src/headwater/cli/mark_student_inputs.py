"""What the commands of `headwater mark student` share: keys to test, commitments, how a result is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.options import PATH, F
from headwater.cli.pages import write_page
from headwater.cli.terminal import Terminal
from headwater.errors import UsageError, Where

if TYPE_CHECKING:
    from headwater.mark import Keyring, Tokenizer
    from headwater.mark.student import Candidate, Reader

FOUND = 1

keyring_option = click.option(
    "--keyring", type=PATH, required=True, metavar="FILE", help="The keys to test (TOML)."
)
names_option = click.option(
    "--mark", "names", multiple=True, metavar="NAME", help="Test this mark, or these accounts, only."
)
alpha_option = click.option(
    "--alpha",
    type=click.FloatRange(0, 0.1, min_open=True, max_open=True),
    default=1e-6,
    show_default=True,
    help="How often a model without a part may be called marked, all keys together.",
)
commitment_option = click.option(
    "--commitment", type=PATH, metavar="FILE", help="What the test was bound to before (student commit)."
)
log_option = click.option(
    "--log",
    type=PATH,
    metavar="DIR",
    help="The casebook whose log holds it: it is proven in the report, whose digest goes into the log.",
)
shown_option = click.option(
    "--shown",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Another commitment in that log, which is shown beside it.",
)
max_tokens_option = click.option(
    "--max-tokens",
    type=click.IntRange(1, 100_000),
    default=512,
    show_default=True,
    metavar="N",
    help="How long one answer may be (student ask).",
)
out_option = click.option("-o", "--out", type=PATH, metavar="FILE", help="Write a page of it, too.")
fail_option = click.option(
    "--fail-on",
    type=click.Choice(["marked", "never"]),
    default="never",
    show_default=True,
    help="Exit with 1 where a mark is shown.",
)


def comparing(command: F) -> F:
    """Add --window and --kept: how differences are made."""
    for option in (
        click.option(
            "--kept",
            type=click.IntRange(1, 4096),
            default=64,
            show_default=True,
            metavar="N",
            help="Tokens of each place that are kept.",
        ),
        click.option(
            "--window",
            type=click.IntRange(16, 8192),
            default=512,
            show_default=True,
            metavar="N",
            help="Tokens that the models see at once.",
        ),
    ):
        command = option(command)
    return command


def tested(command: F) -> F:
    """Add what every test has: --alpha, --commitment, --log, --shown, -o, --fail-on."""
    for option in (fail_option, out_option, shown_option, log_option, commitment_option, alpha_option):
        command = option(command)
    return command


def candidates_of(ring: Keyring, names: tuple[str, ...]) -> tuple[list[Candidate], list[str]]:
    """The keys to test, and names of those that are left out because they are revoked.

    Marks are tested by their own key, accounts by one key for each of their periods.
    """
    from headwater.mark.student import Candidate

    known = [each.name for each in ring.marks] + [each.name for each in ring.accounts]
    for name in names:
        if name not in known:
            hint = f"there are {', '.join(known) or 'none'}"
            raise UsageError(f"no mark is called {name!r}", where=Where(str(ring.path)), hint=hint)
    wanted = set(names or known)
    found, revoked = [], []
    for mark in ring.marks:
        if mark.name in wanted and mark.revoked:
            revoked.append(mark.name)
        elif mark.name in wanted:
            found.append(Candidate(mark.name, mark.scheme, mark.key, mark.account))
    for accounts in ring.accounts:
        if accounts.name in wanted and accounts.revoked:
            revoked.append(accounts.name)
        elif accounts.name in wanted:
            found += [
                Candidate(f"{accounts.name}: {account}, {epoch}", accounts.scheme, key, account)
                for epoch in accounts.epochs
                for account, key in zip(accounts.ids, accounts.keys(epoch), strict=True)
            ]
    if not found:
        hint = "add a [[mark]] or [[accounts]]; one that is revoked isn't tested"
        raise UsageError("has no key to test", where=Where(str(ring.path)), hint=hint)
    return found, revoked


def left_out(ring: Keyring, candidates: Sequence[Candidate], names: tuple[str, ...]) -> int:
    """How many keys of a keyring --mark leaves out, revoked ones aside."""
    return len(candidates_of(ring, ())[0]) - len(candidates) if names else 0


def readers_of(ring: Keyring, candidates: list[Candidate]) -> list[Reader]:
    """Each key with each tokenizer that the keyring names for it."""
    from headwater.mark.student import Reader

    of = {each.name: each.tokenizers for each in ring.marks}
    of |= {
        f"{each.name}: {account}, {epoch}": each.tokenizers
        for each in ring.accounts
        for epoch in each.epochs
        for account in each.ids
    }
    return [
        Reader(each.name, each.scheme, each.key, tokenizer, each.account)
        for each in candidates
        for tokenizer in of[each.name]
    ]


def show(
    terminal: Terminal,
    record: Mapping[str, Any],
    out: Path | None,
    *,
    as_json: bool,
    fail_on: str,
    log: Path | None = None,
) -> int:
    """Put a digest of a record into the `log`, print it as asked, write its page, and the exit code."""
    from headwater.cli.mark_student_log import logged
    from headwater.explain import student_board, student_page
    from headwater.report import html

    if log is not None:
        record = logged(record, log)
    below = []
    if out is not None:
        write_page(out, html(student_page(record)))
        below.append(f"wrote {out}")
    if as_json:
        terminal.json({**record, "page": out and str(out)})
    else:
        terminal.draw(student_board(record, below=below))
    return FOUND if record["verdict"] in ("marked", "closer") and fail_on != "never" else 0


def tokenizer_of(given: Path | None, reference: Path) -> Tokenizer | None:
    """The tokenizer of a file, or of the reference's directory; None where there is none."""
    from headwater.mark import load_tokenizer

    beside = reference / "tokenizer.json"
    if given is None and not (reference.is_dir() and beside.is_file()):
        return None
    path = given or beside
    if path.is_dir():
        raise UsageError("is a folder, where a tokenizer.json is needed", where=Where(str(path)))
    return load_tokenizer("tokenizer", path)
