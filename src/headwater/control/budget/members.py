"""Different ones in a period (addresses, networks): a member is asked for once, and known here until the end."""

from __future__ import annotations

from headwater.control.budget.kinds import Budget
from headwater.control.budget.lease import Answer, Ask
from headwater.errors import UsageError, Where

_MARGIN = 16
_PROBE_US = 60_000_000
_MOST_FULL = 4096
_MOST_CHARACTERS = 128


class Members:
    """The members of one cell that this replica knows to be counted."""

    __slots__ = (
        "__weakref__",
        "balance",
        "budget",
        "epoch",
        "full",
        "id",
        "key",
        "known",
        "out",
        "period",
        "resets_at_us",
        "takes",
        "until_us",
    )

    def __init__(self, budget: Budget, key: str) -> None:
        self.budget, self.key, self.id = budget, key, budget.cell(key)
        self.takes = budget.takes
        self.known: set[str] = set()
        self.until_us = 0
        #: members that weren't let in, and until when that holds; another replica's member is still let in
        self.full: dict[str, int] = {}
        self.balance, self.resets_at_us = budget.limit, 0
        self.epoch = self.period = 0
        self.out: dict[str, Ask] = {}

    def change(self, budget: Budget) -> None:
        """Another limit from here on."""
        self.budget, self.full = budget, {}

    def has(self, member: str, now_us: int) -> bool:
        """Whether `member` is counted already; '' always is."""
        return not member or (now_us < self.until_us and member in self.known)

    def ask(self, member: str, seq: int, now_us: int) -> Ask:
        """The message that counts `member`."""
        if len(member) > _MOST_CHARACTERS:
            what = f"a member has at most {_MOST_CHARACTERS} characters"
            raise UsageError(what, where=Where(field=self.budget.name))
        budget = self.budget
        lasts = budget.lasts_us
        self.out[member] = Ask(
            self.id, budget.shape, budget.per, budget.limit, 0, 1, 1, lasts, seq, self.epoch, self.period,
            1, 1, 0, 0, member, now_us,
        )  # fmt: skip
        return self.out[member]

    def hear(self, ask: Ask, answer: Answer, now_us: int) -> None:
        """Take the answer to `ask`."""
        if (answer.epoch, answer.period) != (self.epoch, self.period):
            self.known, self.full = set(), {}
            self.epoch, self.period = answer.epoch, answer.period
        self.balance = answer.balance
        self.resets_at_us = ask.sent_us + answer.resets_us
        self.until_us = max(self.until_us if self.known else 0, ask.sent_us + answer.lives_us * 15 // _MARGIN)
        if answer.granted:
            self.known.add(ask.member)
        else:
            if len(self.full) >= _MOST_FULL:
                self.full.clear()
            self.full[ask.member] = now_us + min(answer.retry_us, _PROBE_US)

    def stands(self, now_us: int) -> tuple[int, int]:
        """How many more may come, as far as is known, and how long until all may again, in µs."""
        most = self.budget.limit
        return min(self.balance, most), max(0, self.resets_at_us - now_us)

    def denies(self, member: str, now_us: int) -> bool:
        """Whether the store has said no to `member`, not long ago."""
        return now_us < self.full.get(member, 0)

    def bridges(self, member: str) -> bool:
        """Whether `member` may be counted here alone, without the store."""
        return member in self.known or len(self.known) < self.budget.limit

    def bridged(self, member: str) -> None:
        """`member` is counted here alone, until the store is asked again."""
        self.known.add(member)
