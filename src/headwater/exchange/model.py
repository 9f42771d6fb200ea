"""What one API call is, and what one account is: two Arrow schemas, written down once.

Every reader produces these columns, everything above reads them. A column that a log does not have is
absent or null; it is never invented. Only `id`, `at`, `account` and one of `prompt` / `imprint` are
required. Units stand in the names; times are UTC with microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

#: Columns of one exchange, in order: name, Arrow type, one sentence. The reference page is generated from it.
_UTC = pa.timestamp("us", tz="UTC")

#: Name and version of the exchange schema, as files of our own format carry it.
SCHEMA_VERSION = "exchange/1"

#: What can be done where no record names an account, and what that costs.
ONE_ACCOUNT = "give --set account=NAME (all of it becomes one account: no campaign can be found)"
#: Number of word-shingle minimisers in an imprint's head.
MINIMISERS = 8
#: Dimensions of an imprint's content sketch.
SKETCH = 128

#: All parts but `passages` are there in every imprint. They are nullable in Arrow's sense only because a row
#: without an imprint has no parts either, which neither Parquet nor a cast allows for parts that are not.
IMPRINT_TYPE = pa.struct(
    [
        pa.field("exact", pa.uint64()),
        pa.field("skeleton", pa.uint64()),
        pa.field("opening", pa.uint64()),
        pa.field("closing", pa.uint64()),
        pa.field("minimisers", pa.list_(pa.uint64(), MINIMISERS)),
        pa.field("sketch", pa.list_(pa.int8(), SKETCH)),
        pa.field("chars", pa.uint32()),
        pa.field("words", pa.uint32()),
        pa.field("script", pa.uint8()),
        pa.field("intents", pa.uint32()),
        pa.field("passages", pa.list_(pa.uint64())),
    ]
)
#: Parts that an imprint may lack.
OPTIONAL_PARTS = frozenset({"passages"})


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, Arrow type, meaning, and the evidence lost without it."""

    name: str
    type: pa.DataType
    meaning: str
    required: bool = False


EXCHANGE_COLUMNS = (
    Column("id", pa.string(), "Identifier of the exchange, unique in the log.", required=True),
    Column("at", _UTC, "When the request arrived.", required=True),
    Column("account", pa.string(), "The account (or API key) that the request is billed to.", required=True),
    Column("prompt", pa.large_string(), "Text of the newest user turn; null where only its imprint is kept."),
    Column("system", pa.large_string(), "System or developer prompt, kept apart: honest harnesses share it."),
    Column("response", pa.large_string(), "Text that the model answered, where the log keeps it."),
    Column(
        "previous",
        pa.large_string(),
        "Newest answer that the request carries back (its last assistant turn).",
    ),
    Column("organisation", pa.string(), "Customer organisation or tenant that the account belongs to."),
    Column("conversation", pa.string(), "Conversation or session identifier given by the client or tracer."),
    Column("turn", pa.int32(), "How many user turns came before in the same request (0: first)."),
    Column("model", pa.string(), "Model that was asked for."),
    Column("endpoint", pa.string(), "Kind of call: chat, completion, responses, messages, embeddings, …"),
    Column("batch", pa.bool_(), "Whether the request came through a batch file."),
    Column("status", pa.int16(), "HTTP status of the answer."),
    Column("finish_reason", pa.string(), "Why generation ended, in the log's own word."),
    Column("latency_ms", pa.float64(), "Milliseconds from request to last byte of the answer."),
    Column("input_tokens", pa.int64(), "Tokens in the request."),
    Column("output_tokens", pa.int64(), "Tokens in the answer."),
    Column("temperature", pa.float32(), "Sampling temperature asked for."),
    Column("top_p", pa.float32(), "Nucleus sampling parameter asked for."),
    Column("max_tokens", pa.int64(), "Upper limit of answer tokens asked for."),
    Column("n", pa.int32(), "How many answers were asked for."),
    Column("seed", pa.int64(), "Sampling seed asked for."),
    Column("logprobs", pa.bool_(), "Whether token probabilities were asked for."),
    Column("logit_bias", pa.bool_(), "Whether the odds of single tokens were shifted."),
    Column("stream", pa.bool_(), "Whether the answer was streamed."),
    Column("cancelled", pa.bool_(), "Whether the client left before the answer's end."),
    Column("tools", pa.int32(), "How many tools were offered to the model."),
    Column(
        "response_format", pa.string(), "Structured-output format asked for (json_schema, json_object, …)."
    ),
    Column("ip", pa.string(), "Client address, or a keyed hash of it."),
    Column("user_agent", pa.string(), "Client's user agent."),
    Column("tls", pa.string(), "TLS client fingerprint (JA4 or JA3)."),
    Column("ja4h", pa.string(), "HTTP client fingerprint (JA4H)."),
    Column("http2", pa.string(), "Fingerprint of the client's HTTP/2 settings."),
    Column("header_order", pa.string(), "Order of the request's headers, or a hash of it."),
    Column("imprint", IMPRINT_TYPE, "Keyed digest of the prompt (see the imprint reference)."),
)

ACCOUNT_COLUMNS = (
    Column("account", pa.string(), "The account, as exchanges name it.", required=True),
    Column("organisation", pa.string(), "Customer organisation or tenant."),
    Column("created_at", _UTC, "When the account was opened."),
    Column("tier", pa.string(), "Identity or billing tier."),
    Column("held_at", _UTC, "When the account was held (suspended or banned), if it was."),
    Column("email_domain", pa.string(), "Domain of the sign-up address (never the address)."),
    Column(
        "name_pattern", pa.string(), "Shape of the sign-up name: letters as a, digits as 0 (never the name)."
    ),
    Column("payment", pa.string(), "Keyed hash of the payment instrument."),
    Column("device", pa.string(), "Keyed hash of the sign-up device."),
    Column("phone", pa.string(), "Keyed hash of the phone number."),
    Column("signup_ip", pa.string(), "Address at sign-up, or a keyed hash of it."),
    Column("programme", pa.string(), "Access programme (education, start-up, research) if any."),
    Column("purpose", pa.string(), "Declared use, if any."),
)


def schema_of(columns: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema of these columns, in their order."""
    return pa.schema([pa.field(c.name, c.type, nullable=not c.required) for c in columns])


EXCHANGE_SCHEMA = schema_of(EXCHANGE_COLUMNS)
ACCOUNT_SCHEMA = schema_of(ACCOUNT_COLUMNS)
