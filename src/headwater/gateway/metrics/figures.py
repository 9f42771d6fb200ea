"""The closed table of figures: name, kind, what it says, and the values of its one label."""

from __future__ import annotations

from typing import Final, NamedTuple

from headwater.gateway.stage import Ended


class Family(NamedTuple):
    """One metric. `gauge`: it goes up and down, and begins anew with its process; else it only grows.

    `label` and `values`: what its series are told apart by; none: there is one. `shy`: series of 0 aren't shown.
    """

    name: str
    says: str
    label: str = ""
    values: tuple[str, ...] = ("",)
    gauge: bool = False
    shy: bool = False


FAMILIES: Final = (
    Family("requests_total", "Requests that ended, by how.", "outcome", tuple(one.value for one in Ended)),
    Family(
        "responses_total",
        "Answers that were begun, by status, those without a request that could be read among them.",
        "status",
        tuple(map(str, range(100, 600))),
        shy=True,
    ),
    Family("requests_running", "Requests that haven't ended yet.", gauge=True),
    Family("connections", "Connections of clients.", gauge=True),
    Family(
        "connections_refused_total", "Connections that were refused, by which bound.", "bound", ("all", "address")
    ),
    Family("upstream_connections", "Connections to the model server.", gauge=True),
    Family(
        "upstream_errors_total",
        "Requests that the model server failed: it couldn't be reached or broke off, was too slow, or said 5xx.",
        "error",
        ("failed", "slow", "status"),
    ),
    Family(
        "tokens_total", "Tokens that were settled.", "kind", ("input", "output")
    ),
    Family(
        "journal_records_total",
        "Records of the journal: written, or what became of them where they couldn't be.",
        "outcome",
        ("recorded", "unrecorded", "refused", "answer_lost"),
    ),
    Family("journal_faults_total", "Attempts to write the journal that failed."),
    Family("budget_store_rounds_total", "Messages to the store of budgets."),
    Family("budget_store_faults_total", "Messages to the store of budgets that had no answer."),
    Family("budget_store_gone", "Workers that do without the store of budgets now.", gauge=True),
    Family("budget_forgotten_total", "Reservations that nobody settled in time; they count as spent."),
    Family("budget_beyond_total", "What hard budgets were used beyond what had been reserved, in their units."),
)  # fmt: skip


class Figure(NamedTuple):
    """One series: a metric, and its label's value."""

    family: Family
    value: str

    @property
    def key(self) -> str:
        """As stages name it: `tokens_total.input`."""
        return f"{self.family.name}.{self.value}" if self.value else self.family.name


SERIES: Final = tuple(Figure(family, value) for family in FAMILIES for value in family.values)
#: Key of a series → its place.
PLACES: Final = {figure.key: at for at, figure in enumerate(SERIES)}
