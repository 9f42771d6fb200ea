"""What requests and answers hold. Rows are as `told` tells them: no secret, and of a means of payment only whether.

Only shapes stand here. What a value may be is checked where rows are changed, in the same words as on the command line.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from headwater.control.identity import FEATURES, LIMITS, SCOPES, TIERS

_TIERS: Final[dict[str, Any]] = {"enum": list(TIERS)}
_STATES: Final[dict[str, Any]] = {"enum": ["active", "suspended", "closed"]}
_SCOPES: Final[dict[str, Any]] = {"items": {"type": "string", "enum": list(SCOPES)}}
_MOST: Final = 2**53 - 1
_PAYMENT: Final = "Fingerprint of its means of payment, as a provider gives it; never a card number."
_UNTIL: Final = "When it ends, in microseconds since 1970 UTC; null: it doesn't."


def _left(value: Any, description: str | None = None, **more: Any) -> Any:
    """A field that may be left out, which is another thing than giving it `value`."""

    def without_default(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        schema.update(more)

    return Field(value, description=description, json_schema_extra=without_default)


class Given(BaseModel):
    """What a request gives: no field that isn't known, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reasoned(Given):
    """A change."""

    reason: str = Field("", description="Why; kept with the change. Also as the header Headwater-Reason.")


#: A change whose request has no body.
UNREASONED = Reasoned()


class Told(BaseModel):
    """What an answer tells."""

    model_config = ConfigDict(extra="forbid")


class Changed(BaseModel):
    """A row that was changed."""

    change: int | None = Field(
        description="The number by which it is undone; null where nothing was different."
    )


class AccountOut(Told):
    """An account."""

    id: str
    created_us: int
    tier: str = Field(description="The tier in force for it alone.", json_schema_extra=_TIERS)
    granted: str = Field(description="The tier that a person gave it last.", json_schema_extra=_TIERS)
    state: str = Field(json_schema_extra=_STATES)
    organisation: str | None
    payment: bool = Field(description="Whether a means of payment is known.")
    label: str


class AccountChanged(AccountOut, Changed):
    """An account that was made or changed."""


class AccountNew(Reasoned):
    """An account to be made."""

    id: str
    tier: str = Field("anonymous", json_schema_extra=_TIERS)
    organisation: str | None = None
    payment: str | None = Field(None, description=_PAYMENT)
    label: str = ""


class AccountChange(Reasoned):
    """What to change of an account; what isn't named stays."""

    tier: str = _left("", "Verifications from before no longer count.", **_TIERS)
    organisation: str | None = _left(None, "Null: none.")
    payment: str | None = _left(None, f"{_PAYMENT} Null: none.")
    label: str = _left("")
    state: str = _left("", **_STATES)


class Forget(Reasoned):
    """A wish to erase that can't be undone."""

    no_undo: Literal[True] = Field(description="That it is meant: this alone can't be undone.")


class OrganisationOut(Told):
    """An organisation: its accounts have its tier where it is higher than their own, and its state."""

    id: str
    created_us: int
    tier: str = Field(json_schema_extra=_TIERS)
    state: str = Field(json_schema_extra=_STATES)
    payment: bool = Field(description="Whether a means of payment is known.")
    label: str


class OrganisationChanged(OrganisationOut, Changed):
    """An organisation that was made or changed."""


class OrganisationNew(Reasoned):
    """An organisation to be made."""

    id: str
    tier: str = Field("anonymous", json_schema_extra=_TIERS)
    payment: str | None = Field(None, description=_PAYMENT)
    label: str = ""


class OrganisationChange(Reasoned):
    """What to change of an organisation; what isn't named stays."""

    tier: str = _left("", **_TIERS)
    payment: str | None = _left(None, f"{_PAYMENT} Null: none.")
    label: str = _left("")
    state: str = _left("", **_STATES)


class LinkOut(Told):
    """A name that an account has elsewhere."""

    id: str = Field(description="By which it is taken away.")
    kind: Literal["token", "certificate"]
    issuer: str
    name: str
    account: str
    created_us: int


class LinkChanged(LinkOut, Changed):
    """A link that was made or taken away."""


class LinkNew(Reasoned):
    """A name to be linked: the subject of an issuer's tokens, or a name in a certificate (DNS:…, URI:…, email:…)."""

    kind: Literal["token", "certificate"]
    issuer: str = Field("", description="Of a token.")
    name: str


class VerificationOut(Told):
    """What a provider asserted of an account."""

    provider: str
    reference: str
    account: str
    tier: str
    at_us: int
    state: Literal["standing", "reversed", "superseded"]
    asserted: str


class KeyOut(Told):
    """A customer's API key; its secret is kept nowhere."""

    id: str = Field(description="The public id: a part of the key that may be logged.")
    account: str
    environment: str
    pepper: str = Field(description="The id of the pepper that its secret is hashed under.")
    created_us: int
    scopes: list[str]
    label: str
    expires_us: int | None
    revoked_us: int | None
    networks: list[str]
    asns: list[int]
    replaces: str | None
    replaced_by: str | None


class KeyChanged(KeyOut, Changed):
    """A key that was changed."""


class KeyIssued(KeyChanged):
    """A key that was made."""

    api_key: str = Field(description="The key itself. It is shown here, once, and kept nowhere.")


class _Uses(Reasoned):
    label: str = _left("", "By which it is named beside its account: small letters, digits, dashes.")
    scopes: list[str] = _left([], **_SCOPES)
    expires_us: int | None = _left(None, _UNTIL)
    networks: list[str] = _left([], "Only from these; none: from anywhere.")
    asns: list[int] = _left([], "Only from these networks; none: from anywhere.")


class KeyNew(_Uses):
    """A key to be made; without scopes it may be used for everything."""

    environment: str | None = _left(None, "The first of the settings where it isn't named.")


class KeyChange(_Uses):
    """What to change of a key; what isn't named stays."""


class Rotate(Reasoned):
    """How to rotate a key."""

    overlap_s: int = Field(
        86_400, ge=0, le=400 * 86_400, description="How long the old key is still good; 0: it isn't."
    )


#: A rotation whose request has no body.
ROTATION = Rotate()


class Use(Told):
    """How a key stands now."""

    id: str
    good: bool = Field(description="Whether it has neither ended nor been revoked.")
    used_us: int | None = Field(description="When it was last used, to within an hour.")


class KeyCheck(Given):
    """A key that was found, for instance in a repository."""

    api_key: str


class Checked(Told):
    """Whose a key is."""

    known: bool
    good: bool
    key: KeyOut | None


class Pattern(Told):
    """What customers' keys look like, for scanners of secrets."""

    pattern: str
    keyword: str
    checksum: str


def _limit(meaning: str) -> Any:
    return (int | None, Field(description=f"{meaning} Null: no limit.", ge=0, le=_MOST))


TierOut: Any = create_model(
    "TierOut",
    __base__=Told,
    __doc__="What accounts of a tier may use.",
    name=(str, Field(json_schema_extra=_TIERS)),
    **{name: _limit(meaning) for name, meaning in LIMITS.items()},
    **{name: (bool, Field(description=meaning)) for name, meaning in FEATURES.items()},
)
#: A limit as it is given.
_GIVEN: Any = int | Literal["unlimited"] | None
_ENTRIES: Final[dict[str, Any]] = {
    **{name: (_GIVEN, _left(None, f"{says} Null or unlimited: no limit.")) for name, says in LIMITS.items()},
    **{name: (bool, _left(False, says)) for name, says in FEATURES.items()},
}
TierEntries: Any = create_model("TierEntries", __base__=Given, __doc__="Entries of a tier.", **_ENTRIES)
TierChange: Any = create_model(
    "TierChange", __base__=Reasoned, __doc__="What to change of a tier; what isn't named stays.", **_ENTRIES
)
TierChanged: Any = create_model(
    "TierChanged",
    __base__=(TierOut, Changed),
    __doc__="A tier that was changed.",
    oddities=(list[str], Field(description="Where a higher tier may now use less than the one below it.")),
)


class TiersAdopt(Reasoned):
    """A table to put in force; what it doesn't name is as Headwater ships it."""

    tiers: dict[str, TierEntries]


class TiersAdopted(Changed):
    """The tiers that a table changed."""

    changed: list[str]
    oddities: list[str]


class Tiers(Told):
    """The table in force, from the lowest tier to the highest."""

    items: list[TierOut]


class ChangeOut(Told):
    """One row changed; changes of one batch were made, and are undone, together."""

    id: int
    batch: int
    kind: str
    row: str
    what: str
    by: str
    reason: str
    at_us: int
    before: dict[str, Any] | None = Field(description="The row before; null where it was made.")
    after: dict[str, Any] | None = Field(description="The row after; null where it was taken away.")
    undoes: int | None = Field(description="The batch that it took back.")


class Undone(Told):
    """A change that was undone."""

    undone: int = Field(description="The batch that was taken back.")
    change: int = Field(description="The number by which the undo is undone.")
    changes: list[ChangeOut]


class Me(Told):
    """The admin key that was shown."""

    id: str
    name: str
    scopes: list[str]
    created_us: int
    expires_us: int | None
    revoked_us: int | None
    used_us: int | None


class Standing(Told):
    """What counts for an account, its organisation included."""

    account: str
    tier: str = Field(json_schema_extra=_TIERS)
    tier_by: Literal["hand", "verification", "organisation"]
    state: str = Field(json_schema_extra=_STATES)
    state_by: Literal["account", "organisation"]


class RestrictionsOut(Told):
    """What an account may have now."""

    rung: str
    step_ids: list[str]
    until_us: int | None
    rate: float
    delay_ms: int
    max_tokens: int | None
    logprobs: bool
    reasoning: bool
    proof: bool
    held: bool
    served: bool


class AppealOut(Told):
    """An appeal against a step; its words aren't told here."""

    id: str
    state: str
    filed_us: int
    answer_by_us: int
    overdue: bool


class StepOut(Told):
    """A step that was proposed or taken."""

    id: str
    campaign: str
    rung: str
    state: str
    rule: str
    reason: str
    reason_class: str
    clause: str
    persons: int
    decided_by: list[str]
    proposed_us: int
    begins_us: int | None
    began_us: int | None
    expires_us: int | None
    appeals: list[AppealOut]


class BudgetOut(Told):
    """One limit of an account as it stands."""

    name: str = Field(description="The tier's limit, or the name of a budget of the operator's own.")
    of: Literal["tier", "step", "own"] = Field(
        description="Whose: the tier's, a step's lower one, or the operator's."
    )
    kind: str = Field(description="What is counted, and how.")
    scope: str = Field(description="Of whom.")
    key: str = Field(description="Which of those; empty where it is a means of payment.")
    limit: int
    per: str = Field(description="In which time; none: at one moment.")
    left: int | None = Field(
        description="What the store has now; null: the gateway is one process that counts it itself."
    )
    resets_us: int | None = Field(
        description="Microseconds until all of it is there again; null: at no time that is known."
    )


class Budgets(Told):
    """How every limit of an account stands."""

    account: str
    items: list[BudgetOut]


class WebhookTaken(Told):
    """What became of a webhook."""

    outcome: Literal["taken", "repeated", "passed-over"] = Field(
        description="Repeated: it was taken before. Passed over: it says nothing of an account's tier."
    )


class Stands(Told):
    """What a casebook says stands against an account."""

    account: str
    restrictions: RestrictionsOut
    steps: list[StepOut]


class Page(Told):
    """A page of rows."""

    next: str | None = Field(
        description="What to give as `after` for the next page; null: this was the last."
    )


class Accounts(Page):
    """Accounts, in order of id."""

    items: list[AccountOut]


class Organisations(Page):
    """Organisations, in order of id."""

    items: list[OrganisationOut]


class Keys(Page):
    """Keys, in order of id."""

    items: list[KeyOut]


class Links(Page):
    """Links of an account."""

    items: list[LinkOut]


class Verifications(Page):
    """Verifications of an account."""

    items: list[VerificationOut]


class Changes(Told):
    """Changes, newest first."""

    items: list[ChangeOut]
    next: int | None = Field(
        description="What to give as `before` for the next page; null: this was the last."
    )
