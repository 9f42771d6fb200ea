"""Who asks: accounts, organisations, keys and tiers in a store, and a snapshot of them that relays ask at each request.

An `Identity` is changed by persons and by providers that verify; each change is kept, told to the rooms above through
the outbox, and can be undone. An `Authenticator` over its `Directory` says who a request comes from, or why it is
refused. How much of a tier's limits is left is the budgets' business, HTTP the doors'.
"""

from headwater.control.identity.api_key import new_key, parse_key, pattern
from headwater.control.identity.api_keys import Issued
from headwater.control.identity.asn import load_asns
from headwater.control.identity.authenticate import (
    Authenticator,
    Claims,
    Credential,
    Tokens,
    certificate_names,
)
from headwater.control.identity.directory import Directory
from headwater.control.identity.fields import SCOPES, USUAL_SCOPES
from headwater.control.identity.founding import (
    PEPPER,
    SETTINGS,
    STORE,
    new_identity,
    new_pepper,
    open_identity,
)
from headwater.control.identity.headers import CARRIERS, account_of, bearer_of, is_ours, passed_on, plain_name
from headwater.control.identity.identity import Identity
from headwater.control.identity.ledger import TOPIC, Change, Head, changes_since, head, version
from headwater.control.identity.payment import fingerprint, looks_like_card
from headwater.control.identity.principal import Principal, Refusal, Refused
from headwater.control.identity.providers import PluginError, Receiver, plug_in
from headwater.control.identity.rows import (
    KINDS,
    Account,
    Key,
    Link,
    Organisation,
    Row,
    Verification,
    decoded,
    told,
)
from headwater.control.identity.settings import ALGORITHMS, IdentitySettings, Issuer
from headwater.control.identity.source import FindAsn, Networks, Source, Sources, source_of
from headwater.control.identity.tables import MIGRATIONS
from headwater.control.identity.tiers import (
    ANONYMOUS,
    FEATURES,
    LIMITS,
    RANK,
    TIERS,
    Tier,
    oddities,
    overlaid,
    plain,
    reference_rows,
    shipped_tiers,
    with_entries,
)
from headwater.control.identity.tokens import Issuers
from headwater.control.identity.verification import ASSERTABLE, Asserted, VerificationProvider
from headwater.control.identity.webhook import (
    LARGEST_BODY,
    Delivered,
    WebhookFault,
    sign_webhook,
    verify_webhook,
    webhook_secret,
)

__all__ = [
    "ALGORITHMS",
    "ANONYMOUS",
    "ASSERTABLE",
    "CARRIERS",
    "FEATURES",
    "KINDS",
    "LARGEST_BODY",
    "LIMITS",
    "MIGRATIONS",
    "PEPPER",
    "RANK",
    "SCOPES",
    "SETTINGS",
    "STORE",
    "TIERS",
    "TOPIC",
    "USUAL_SCOPES",
    "Account",
    "Asserted",
    "Authenticator",
    "Change",
    "Claims",
    "Credential",
    "Delivered",
    "Directory",
    "FindAsn",
    "Head",
    "Identity",
    "IdentitySettings",
    "Issued",
    "Issuer",
    "Issuers",
    "Key",
    "Link",
    "Networks",
    "Organisation",
    "PluginError",
    "Principal",
    "Receiver",
    "Refusal",
    "Refused",
    "Row",
    "Source",
    "Sources",
    "Tier",
    "Tokens",
    "Verification",
    "VerificationProvider",
    "WebhookFault",
    "account_of",
    "bearer_of",
    "certificate_names",
    "changes_since",
    "decoded",
    "fingerprint",
    "head",
    "is_ours",
    "load_asns",
    "looks_like_card",
    "new_identity",
    "new_key",
    "new_pepper",
    "oddities",
    "open_identity",
    "overlaid",
    "parse_key",
    "passed_on",
    "pattern",
    "plain",
    "plain_name",
    "plug_in",
    "reference_rows",
    "shipped_tiers",
    "sign_webhook",
    "source_of",
    "told",
    "verify_webhook",
    "version",
    "webhook_secret",
    "with_entries",
]
