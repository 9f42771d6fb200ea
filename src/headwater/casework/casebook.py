"""A casebook: one folder with everything about what was decided, and the one door to it for everybody who acts.

    casebook.sqlite   accounts, steps, letters, appeals: what can be erased
    log/              the transparency log, to be published as it is
    log.key           what its checkpoints are signed with; log.vkey is its public half
    casebook.toml     who the operator is, where appeals go, how long things are kept
    policy.yaml       the pack in force

Each method is one transaction; what it enters into the log is there if and only if the change is, and is published at
once where nobody else is publishing, by the next one otherwise. Nothing reads a clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from headwater.casework import appeals, shelf
from headwater.casework.acting import Acted, act
from headwater.casework.agreement import Agreement, compare
from headwater.casework.appeal import Appeal, AppealState
from headwater.casework.clock import Ticked, keep_time, tick
from headwater.casework.columns import as_bytes, shown
from headwater.casework.follow import NoticeRow, ended_steps, notices_of, outcomes_of_accounts
from headwater.casework.log import Log
from headwater.casework.notices import Texts, load_texts, our_texts
from headwater.casework.outcomes import Outcome, Rate, rates
from headwater.casework.privacy import Erased, erase_account, export_account, write_export
from headwater.casework.proposing import Batch, in_force, propose
from headwater.casework.pseudonym import Pseudonyms, pseudonyms
from headwater.casework.settings import CasebookSettings
from headwater.casework.shelf import Aside, Kept, Unread
from headwater.casework.work import Work
from headwater.control import Event, Restrictions, State, What, standing
from headwater.detect import Findings
from headwater.errors import ConflictError, HeadwaterError
from headwater.policy import AccountFacts, Pack, Rung, load_pack
from headwater.store import Store, Transaction

POLICY: Final = "policy.yaml"
#: Seconds to wait where another process is publishing; what waits longer is published by the next one.
_WAIT_S: Final = 5.0


class Casebook:
    """An open casebook; `headwater.casework.new_casebook` makes one, `open_casebook` opens it."""

    def __init__(
        self,
        folder: Path,
        settings: CasebookSettings,
        store: Store,
        log: Log,
        secret: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.store = store
        self.log = log
        self._secret = secret
        self._texts: Texts | None = None

    @property
    def pack(self) -> Pack:
        """The pack in force, as its file says."""
        return load_pack(self.folder / POLICY)

    @property
    def texts(self) -> Texts:
        """The notices' texts: ours, with the operator's own in their place."""
        if self._texts is None:
            own = self.settings.texts
            self._texts = load_texts(self.folder / own) if own else our_texts()
        return self._texts

    # Steps

    def propose(
        self, findings: Findings, by: str, at_us: int, known: Mapping[str, AccountFacts] | None = None
    ) -> Batch:
        """A step for each account of the reported campaigns that the pack proposes more than watching for."""
        pack = self.pack
        with self._change(at_us) as work:
            return propose(work, findings, known or {}, pack, by)

    def confirm(self, name: str, by: str, at_us: int, reason: str = "", *, seen: int | None = None) -> Acted:
        """A person confirms a step, or those of a batch or campaign that wait."""
        return self._act(What.CONFIRMED, name, by, at_us, reason, seen)

    def decline(self, name: str, by: str, at_us: int, reason: str, *, seen: int | None = None) -> Acted:
        """A person refuses proposals."""
        return self._act(What.DECLINED, name, by, at_us, reason, seen)

    def reverse(self, name: str, by: str, at_us: int, reason: str, *, seen: int | None = None) -> Acted:
        """A person ends steps that stand, or will."""
        return self._act(What.REVERSED, name, by, at_us, reason, seen)

    def undo(self, name: str, by: str, at_us: int, reason: str, *, seen: int | None = None) -> Acted:
        """A person takes back the last that happened to a step, whoever did it."""
        return self._act(What.UNDONE, name, by, at_us, reason, seen)

    def steps(
        self, name: str | None = None, *, states: tuple[State, ...] | None = None, aside: Aside = None
    ) -> list[Kept]:
        """Steps, the highest rung first; those that `name` stands for, or all.

        Those that can't be read go `aside`; where none is given, the first of them is an `UnreadableInput`.
        """
        with self.store.read() as tx:
            found = shelf.named(tx, name, aside)[0] if name else shelf.select(tx, states=states, aside=aside)
        return [kept for kept in found if states is None or kept.step.state in states]

    def step(self, name: str) -> Kept:
        """The one step that `name` stands for: its id, or an account's that has one in force."""
        with self.store.read() as tx:
            return shelf.one(tx, name)

    def history(self, step_id: str) -> list[Event]:
        """All that happened to a step, also what was undone."""
        with self.store.read() as tx:
            return shelf.history(tx, step_id)

    def restrictions(self, account: str, at_us: int) -> Restrictions:
        """What an account, by id or pseudonym, may have at a moment; a step that can't be read restricts nothing."""
        with self.store.read() as tx:
            found = tx.row(
                "SELECT pseudonym FROM accounts WHERE account = ? OR pseudonym = ?", (account, account)
            )
            steps = shelf.select(tx, account=found[0], aside=[]) if found else []
        return standing((kept.step for kept in steps), at_us, self.settings.effects)

    def notices(self, step_id: str) -> list[NoticeRow]:
        """The notices of a step, oldest first."""
        with self.store.read() as tx:
            return notices_of(tx, step_id)

    def statement(self, step_id: str) -> bytes | None:
        """The statement of reasons of a step, as JSON; None where there is none (yet)."""
        with self.store.read() as tx:
            found = tx.row("SELECT body FROM statements WHERE step = ?", (step_id,))
        return None if found is None else bytes(found[0])

    def verdict(self, verdict_id: str) -> dict[str, Any] | None:
        """What was found of a campaign when steps were proposed for it; None where it was erased."""
        import msgspec

        with self.store.read() as tx:
            found = tx.row("SELECT body FROM verdicts WHERE id = ?", (verdict_id,))
        try:
            return None if found is None else msgspec.json.decode(found[0], type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unread(verdict_id, "it is no JSON").error() from None

    def accounts(self) -> dict[str, str]:
        """Pseudonym → account id, of all that aren't erased."""
        with self.store.read() as tx:
            found = tx.rows(f"SELECT {as_bytes('pseudonym', 'account')} FROM accounts")
        return {shown(pseudonym): shown(account) for pseudonym, account in found}

    # Appeals

    def file(self, name: str, text: str, by: str, at_us: int) -> Appeal:
        """File an appeal against a step."""
        with self._change(at_us) as work:
            return appeals.file(work, name, text, by)

    def take(self, name: str, by: str, at_us: int, *, instead_of: str = "") -> Appeal:
        """A reviewer takes an appeal."""
        with self._change(at_us) as work:
            return appeals.take(work, name, by, instead_of=instead_of)

    def decide(
        self, name: str, outcome: AppealState, by: str, answer: str, at_us: int, *, to: Rung | None = None
    ) -> tuple[Appeal, Kept | None]:
        """Decide an appeal; the milder step, where it is lowered."""
        with self._change(at_us) as work:
            return appeals.decide(work, name, outcome, by, answer, to=to)

    def appeals(
        self, *, open_only: bool = False, step: str | None = None, aside: Aside = None
    ) -> list[Appeal]:
        """Appeals, those first that have to be answered first; those that can't be read go `aside`."""
        with self.store.read() as tx:
            return appeals.appeals(tx, open_only=open_only, step=step, aside=aside)

    # The whole

    def tick(self, at_us: int, *, far: bool = False) -> Ticked:
        """Do what is due; `far`: also where the last that was done is long ago, or ahead."""
        with self._change(at_us, far=far) as work:
            ticked = tick(work)
        if ticked.erased:
            self._scrub()
        return ticked

    def check(self) -> Agreement:
        """Hold what the casebook keeps against its log."""
        with self.store.read() as tx:
            return compare(tx, self._names(tx))

    def outcomes(self) -> list[Rate]:
        """How often steps were taken back, per rule, rung and kind of evidence."""
        with self.store.read() as tx:
            return rates(ended_steps(tx))

    def outcomes_of_accounts(self) -> list[tuple[str, str, Outcome]]:
        """Pseudonym, account id and outcome of each ended step of an account that is still held."""
        with self.store.read() as tx:
            return outcomes_of_accounts(tx)

    def adopt(self, data: bytes, pack: Pack, by: str, at_us: int) -> None:
        """Put a pack that loaded (its bytes are `data`) in force, and say so in the log."""
        from headwater.casework.work import person
        from headwater.places import together

        by = person(by)
        with self._change(at_us) as work:
            in_force(work, pack, by)
            with together(self.folder) as place:
                place(POLICY).write_bytes(data)

    def erase(self, account: str, by: str, reason: str, at_us: int, *, even_so: bool = False) -> Erased:
        """Erase what is held on an account, by id or pseudonym."""
        with self._change(at_us) as work:
            erased = erase_account(work, account, by, reason, even_so=even_so)
        self._scrub()
        return erased

    def export(
        self, account: str, folder: Path, by: str, at_us: int, *, for_customer: bool = False
    ) -> tuple[list[Path], list[str]]:
        """Write everything that is held on an account into a new folder; the files, and what couldn't be proven."""
        self.publish(at_us)
        with self._change(at_us) as work:
            found = export_account(work, account, by, for_customer=for_customer)
        return write_export(found, folder, self.log.prove)

    def ready(self) -> None:
        """See that the log can go on, before anything is done that it has to tell of; raises as `Log.drain` does.

        Where another process is publishing, that one sees to it.
        """
        with suppress(ConflictError):
            self.log.settle()

    def publish(self, at_us: int) -> None:
        """Publish what waits for the log; where another process does, that is enough."""
        with suppress(ConflictError):
            self.log.drain(at_us, wait_s=_WAIT_S)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Casebook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _act(self, what: What, name: str, by: str, at_us: int, reason: str, seen: int | None) -> Acted:
        with self._change(at_us) as work:
            return act(work, what, name, by, reason, seen_revision=seen)

    @contextmanager
    def _change(self, at_us: int, *, far: bool = False) -> Iterator[Work]:
        self.ready()
        with self.store.write() as tx:
            keep_time(tx, at_us, far=far)
            yield Work(tx, self._enter, self.settings, self.texts, self._names(tx), at_us)
        try:
            self.publish(at_us)
        except HeadwaterError as error:
            what = f"what was done is kept in the casebook, but the log isn't published: {error.what}"
            raise type(error)(what, where=error.where, hint=error.hint) from error

    def _names(self, tx: Transaction) -> Pseudonyms:
        return pseudonyms(tx, self._secret)

    def _enter(self, tx: Transaction, kind: str, subject: str, body: dict[str, Any], at_us: int) -> object:
        return self.log.enter(tx, kind, subject, body, at_us, self._secret)

    def _scrub(self) -> None:
        # Another process may still read what was there before: the next scrub takes it.
        with suppress(ConflictError):
            self.store.scrub()
