"""A gateway put together from its settings: what each worker knows, keeps current and asks, stage by stage.

gateway/gateway.toml      the settings; what isn't there has its default
gateway/identity/         who may come (`headwater account`, `headwater key`)
gateway/journal/          what was accepted, as it is written; one folder a worker
gateway/exchanges/        the same as Parquet, for `headwater investigate`
gateway/objects.sqlite    whose files, batches and stored responses are whose
gateway/decisions.token   what programs show a decision service
gateway/budgets.sqlite    what is left of budgets, unless Redis or PostgreSQL keep it
gateway/serving.lock      held by whoever serves from here
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from headwater.casework import StandingsReader
from headwater.control import Control, ControlSettings, Effects, Standings
from headwater.control.budget import Budgets
from headwater.control.identity import (
    Authenticator,
    IdentitySettings,
    Sources,
    load_asns,
    open_identity,
)
from headwater.errors import ConfigurationError, UnreadableInput, Where, unreadable
from headwater.exchange.journal import JournalSettings, RotationSettings
from headwater.gateway.deciding.asking import Asking
from headwater.gateway.deciding.decisions import Decisions
from headwater.gateway.deciding.routes import own_routes
from headwater.gateway.deciding.settings import DecideSettings
from headwater.gateway.deciding.stage import Deciding
from headwater.gateway.deciding.tokens import load_tokens, make_tokens
from headwater.gateway.marking.marking import Marking, marking_of
from headwater.gateway.marking.settings import MarksSettings
from headwater.gateway.metrics.settings import MetricsSettings
from headwater.gateway.relay.tls import for_upstreams
from headwater.gateway.relay.upstream import NOWHERE, Upstream
from headwater.gateway.routes import Routes
from headwater.gateway.settings import RelaySettings
from headwater.gateway.stage import Stage
from headwater.gateway.stages.batches import Batches
from headwater.gateway.stages.drafting import DraftsSettings, drafting_of
from headwater.gateway.stages.fetching import Fetching
from headwater.gateway.stages.grant import Grant
from headwater.gateway.stages.identify import Identify
from headwater.gateway.stages.journalling import Journalling, opened
from headwater.gateway.stages.keeping import Keeping, Latest
from headwater.gateway.stages.leases import Leases
from headwater.gateway.stages.limits import RateLines
from headwater.gateway.stages.objects import Objects
from headwater.gateway.stages.owners import Owners
from headwater.gateway.stages.reading import Reading
from headwater.gateway.stages.record import Record
from headwater.gateway.stages.stores import check_store, store_of
from headwater.setting import setting

SETTINGS: Final = "gateway.toml"
IDENTITY: Final = "identity"
JOURNAL: Final = "journal"
EXCHANGES: Final = "exchanges"
OBJECTS: Final = "objects.sqlite"


@dataclass(frozen=True)
class GatewaySettings:
    """The settings of a gateway: its own, and in tables those of the relay, of decisions and of the journal."""

    upstream: str = setting(
        "", "The model server: http://HOST:PORT or https://HOST, with a path in front if need be."
    )
    upstream_key_file: str = setting(
        "",
        "File with the key that the model server is shown; empty: it is shown none. The client's never goes there.",
    )
    casebook: str = setting("", "Folder of the casebook whose standing steps count; empty: none.")
    budgets: str = setting(
        "node",
        "Where budgets are kept: node (a file here), redis://… or postgresql://… for several machines.",
    )
    redis_durable: bool = setting(
        False, "Whether Redis keeps every write over a restart (appendonly yes, appendfsync always)."
    )
    record: bool = setting(True, "Write what is accepted to the journal.")
    answer_bytes: int = setting(
        4 << 20,
        "Bytes of an answer that are recorded at most; a longer one is recorded without its text.",
        "0 or more",
    )
    batch_bytes: int = setting(256 << 20, "Bytes of a batch's file at most.", "1 or more")
    look_s: float = setting(
        0.5, "Seconds between looks at changes of accounts, keys, tiers and steps.", "0.05 to 60"
    )
    rotate_s: float = setting(
        30.0, "Seconds between looks for files of the journal that can be made Parquet.", "1 to 86400"
    )
    imprint_key_file: str = setting(
        "",
        "File with the key that imprints of prompts are made under, where `rotation.keep` keeps only those.",
    )
    relay: RelaySettings = field(default_factory=RelaySettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    decide: DecideSettings = field(default_factory=DecideSettings)
    journal: JournalSettings = field(default_factory=JournalSettings)
    rotation: RotationSettings = field(default_factory=RotationSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    marks: MarksSettings = field(default_factory=MarksSettings)
    drafts: DraftsSettings = field(default_factory=DraftsSettings)

    def __post_init__(self) -> None:
        if not 0.05 <= self.look_s <= 60:
            raise ConfigurationError("is out of range", where=Where(field="look_s"))
        if not 1 <= self.rotate_s <= 86_400:
            raise ConfigurationError("is out of range", where=Where(field="rotate_s"))
        if self.answer_bytes < 0:
            raise ConfigurationError("is out of range", where=Where(field="answer_bytes"))
        if self.batch_bytes < 1:
            raise ConfigurationError("is out of range", where=Where(field="batch_bytes"))

    @property
    def alone(self) -> bool:
        """Whether its one process counts rates by itself."""
        return self.budgets == "node" and self.relay.workers == 1


class _Parts(NamedTuple):
    """What the stages of one worker share."""

    control: Control
    leases: Leases
    keeping: Keeping
    sources: Sources
    journalling: Journalling | None
    marking: Marking | None


def check_before_founding(settings: GatewaySettings, folder: Path, *, decide: bool) -> None:
    """Raise what would keep a gateway with these settings from starting, before there is a folder for it.

    `decide`: whether it is to be a decision service.
    """
    if settings.upstream:
        Upstream.parse(settings.upstream)
    if decide:
        check_to_decide(settings)
    if settings.budgets != "node":
        check_store(settings.budgets, folder, durable=settings.redis_durable)


def check_to_decide(settings: GatewaySettings) -> None:
    """Raise `ConfigurationError` where a decision service can't run with these settings."""
    if settings.relay.workers != 1:
        hint = "several services share budgets in Redis or PostgreSQL"
        where = Where(field="relay.workers")
        raise ConfigurationError("a decision service is one process", where=where, hint=hint)


@dataclass(frozen=True)
class Gateway:
    """What a worker is made of: the folder, all settings, and what the casebook's steps do."""

    folder: Path
    settings: GatewaySettings
    identity: IdentitySettings
    effects: Effects = field(default_factory=Effects)

    def checked(self) -> Upstream:
        """The model server; raises what would keep a worker from starting, before there is one."""
        upstream = Upstream.parse(self.settings.upstream)
        self._upstream_key()
        self._can_open()
        return upstream

    def checked_to_decide(self) -> tuple[Upstream, Routes]:
        """No model server, and the paths of a decision service; raises as `checked`. Makes its token where none is."""
        check_to_decide(self.settings)
        tokens = self.folder / self.settings.decide.token_file
        make_tokens(tokens)
        load_tokens(tokens)
        self._can_open()
        return NOWHERE, own_routes()

    def stages(self) -> Sequence[Stage]:
        """The stages of one worker; called in its event loop."""
        settings, parts = self.settings, self._parts()
        control, leases, journalling = parts.control, parts.leases, parts.journalling
        lines = RateLines(control)
        identify = Identify(
            control,
            parts.sources,
            parts.keeping,
            account_header=self.identity.account_header,
            upstream_key=self._upstream_key(),
        )
        reading = Reading(settings.control, parts.marking, drafting_of(settings.drafts, self.folder))
        grant = Grant(control, leases, identify.still, lines, parts.marking)
        parts.keeping.changed = grant.recheck
        owners, fetching = Owners(self.folder / OBJECTS), self._fetching()
        objects = Objects(control, owners, fetching, journalling, lines, leases)
        batches = Batches(
            control, settings.control, leases, owners, fetching, journalling, lines, parts.marking
        )
        stages: list[Stage] = [identify, objects, batches, reading, grant]
        if journalling is not None:
            stages.append(Record(journalling, settings.answer_bytes))
        return stages

    def deciding(self) -> Sequence[Stage]:
        """The one stage of a decision service's worker: it answers, and forwards nothing."""
        settings, parts = self.settings, self._parts()
        tokens = load_tokens(self.folder / settings.decide.token_file)
        decisions = Decisions(
            parts.control,
            settings.control,
            settings.decide,
            parts.leases,
            parts.journalling,
            settings.answer_bytes,
            parts.marking,
        )
        asking = Asking(parts.sources, self.identity.account_header)
        return [Deciding(decisions, asking, tokens, parts.keeping, parts.marking)]

    def trusts(self, address: str) -> bool:
        """Whether a connection comes from a trusted proxy."""
        return self._proxies.trusts(address)

    @cached_property
    def _proxies(self) -> Sources:
        return Sources(self.identity.trusted_proxies)

    def _can_open(self) -> None:
        check_store(self.settings.budgets, self.folder, durable=self.settings.redis_durable)
        marking_of(self.settings.marks, self.folder)
        drafting_of(self.settings.drafts, self.folder)
        with open_identity(self.folder / IDENTITY, self.identity):
            pass
        if self.settings.casebook:
            with StandingsReader(self._casebook(), self.effects):
                pass

    def _parts(self) -> _Parts:
        settings, keeping = self.settings, Keeping(self.settings.look_s)
        directory = keeping.identity(self.folder / IDENTITY, self.identity)
        tokens = Latest() if self.identity.issuers else None
        authenticator = Authenticator(directory, self.identity, tokens)
        keeping.used(authenticator, self.folder / IDENTITY, self.identity)
        if tokens is not None:
            keeping.issuers(self.identity.issuers, tokens.take)
        standings = Standings()
        if settings.casebook:
            keeping.standings(self._casebook(), self.effects, standings)
        leases = Leases(
            Budgets(secrets.token_hex(16), alone=self.alone),
            store_of(settings.budgets, self.folder, durable=settings.redis_durable),
        )
        control = Control(authenticator, leases.budgets, settings.control, standings)
        asns = self.identity.asn_file
        find_asn = load_asns(self.folder / IDENTITY / asns) if asns else None
        sources = Sources(self.identity.trusted_proxies, find_asn)
        journalling = opened(self.folder / JOURNAL, settings.journal) if settings.record else None
        return _Parts(control, leases, keeping, sources, journalling, marking_of(settings.marks, self.folder))

    def _fetching(self) -> Fetching:
        upstream = Upstream.parse(self.settings.upstream)
        context = for_upstreams(self.settings.relay) if upstream.tls else None
        return Fetching(upstream, self._upstream_key(), context, self.settings.batch_bytes)

    @property
    def alone(self) -> bool:
        """Whether its one process counts rates by itself; see `alone.hold`."""
        return self.settings.alone

    def _casebook(self) -> Path:
        return self.folder / self.settings.casebook

    def _upstream_key(self) -> str:
        name = self.settings.upstream_key_file
        if not name:
            return ""
        path = self.folder / name
        try:
            key = path.read_text("ascii").strip()
        except OSError as error:
            raise unreadable(path, error) from None
        except UnicodeDecodeError:
            raise UnreadableInput("holds no key", where=Where(str(path))) from None
        if not key or len(key.split()) != 1:
            raise UnreadableInput(
                "holds no key", where=Where(str(path)), hint="one line with the key, and nothing else"
            )
        return key
