"""An account's limits are those that decisions go by: a step's beside the tier's, and one of 0 that nobody counts."""

from __future__ import annotations

from pathlib import Path

from control.identity.worlds import made
from headwater.control import ControlSettings, Counting, Restrictions, Stands, balances
from headwater.control.budget import Budget, Kind, MemoryStore, Per, Scope, ask_nothing

NOW_US = 1_790_000_000_000_000


def test_a_step_lowers_rates_and_no_limit_of_nothing(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.change_tier(
            "verified-contact",
            "ann",
            1,
            {"requests_per_minute": 60, "tokens_per_minute": 0, "requests_per_day": 9},
        )
        identity.new_account("bot", "ann", 1, tier="verified-contact")
        counting = Counting(settings=ControlSettings(), store="node", folder=tmp_path)
        store = MemoryStore(lambda: NOW_US, fresh=True)
        lowered = Budget("step.requests-per-minute", Kind.REQUESTS, Scope.ACCOUNT, 15, Per.MINUTE)
        store.exchange("r1", [ask_nothing(lowered, "bot")._replace(need=5, want=5)])
        records = repr(store.records)
        stands = Stands(Restrictions(rate=0.25), ("c1",))
        found = balances(counting, identity, "bot", stands, store)
        told = {(one.of, one.name): one for one in found}
        assert told["tier", "requests_per_minute"].limit == 60
        assert told["step", "requests_per_minute"].limit == 15
        whole = ask_nothing(lowered, "bot").capacity
        assert told["step", "requests_per_minute"].left == whole - 5
        nothing = told["tier", "tokens_per_minute"]
        assert (nothing.limit, nothing.left, nothing.resets_us, nothing.kind) == (0, 0, None, "tokens")
        assert ("step", "tokens_per_minute") not in told
        assert repr(store.records) == records, "looking changes nothing"


def test_the_organisations_tier_counts_where_it_is_higher(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.change_tier("verified-organisation", "ann", 1, {"requests_per_day": 77})
        identity.new_organisation("acme", "ann", 1, tier="verified-organisation")
        identity.new_account("bot", "ann", 1, organisation="acme")
        identity.change_account("bot", "ann", 1, {"state": "suspended"})
        counting = Counting(settings=ControlSettings(), store="node", folder=tmp_path)
        found = balances(counting, identity, "bot", Stands(), MemoryStore(lambda: NOW_US, fresh=True))
        assert {one.name: one.left for one in found}["requests_per_day"] == 77
