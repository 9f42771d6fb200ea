"""The lines of a batch: read one by one, summed up, and written as they go on. In a thread: there may be 100,000.

OpenAI's are the lines of a file, {custom_id, method, url, body}; Anthropic's the items of a body, {custom_id, params}.
Each API's are read as its server reads them, and by nothing that the other's would.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple

import msgspec

from headwater.control import ControlSettings
from headwater.exchange import Asked, UnreadableRequestError, read_request, write_request
from headwater.exchange.journal import Accepted, line_id
from headwater.gateway.stages.naming import named_in

_MOST_LINES: Final = 100_000
_LONGEST: Final = 16 << 20
_LONGEST_NAME: Final = 512
_MOST_NAMED: Final = 10_000
#: The other threads' turn comes at least so often.
_TURN: Final = 32
#: A batch's endpoint → kind of body.
ENDPOINTS: Final = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completion",
    "/v1/responses": "responses",
    "/v1/embeddings": "embeddings",
}
MESSAGES: Final = "/v1/messages"
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_TEXT: Final = msgspec.json.Decoder(str).decode
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_ENCODE: Final = msgspec.json.Encoder().encode
_HELD: Final = ("custom_id", "body", "params", "url", "method")


class LineError(Exception):
    """A line that can't be taken; says why, and holds nothing of it."""


class Line(NamedTuple):
    """One request of a batch. `fields`: the line's, undecoded; `inner`: names in its body.

    `plain`: whether everybody reads it alike.
    """

    name: str
    fields: dict[str, msgspec.Raw]
    body: bytes
    inner: frozenset[str]
    plain: bool


class Sums:
    """What the lines of a batch ask for together.

    `models`: each with the tokens of its input; `said`: the longest that each line's answer may be, -1 where it doesn't
    say; `answers`: how many each has; `named`: objects that they name, with the row of the first that does and how many
    do; `carried`: tokens of input that are kept under those names; `plain`: whether
    everybody reads every line alike; `special`: whether one asks for something that may have to be left out.
    """

    def __init__(self) -> None:
        self.models: dict[str, int] = {}
        self.said = array("q")
        self.answers = array("q")
        self.named: dict[str, tuple[int, int]] = {}
        self.carried = 0
        self.plain = True
        self.special = self.logprobs = self.raw_reasoning = False

    def __len__(self) -> int:
        return len(self.said)

    @property
    def inputs(self) -> int:
        """Tokens of input, at most."""
        return sum(self.models.values()) + self.carried

    @property
    def open(self) -> bool:
        """Whether a line doesn't say how long its answer may be."""
        return -1 in self.said

    def outputs(self, longest: int | None) -> int:
        """Tokens of output at most, where no answer is longer than `longest`."""
        if longest is None:
            return sum(map(int.__mul__, self.said, self.answers))
        held = (longest if said < 0 or said > longest else said for said in self.said)
        return sum(map(int.__mul__, held, self.answers))


def file_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file from its beginning; empty ones are none."""
    file.seek(0)
    while line := file.readline(_LONGEST + 1):
        if line.strip():
            yield line


def body_lines(body: bytes) -> list[msgspec.Raw]:
    """The items of Anthropic's body; raises `LineError`."""
    try:
        fields = _FIELDS(body)
        if any(name.casefold() == "requests" != name for name in fields):
            raise LineError("requests is spelt in another way")
        return _ITEMS(fields.get("requests", b"null"))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise LineError("the body has no list of requests") from None


def summed(
    lines: Iterable[bytes],
    path: str,
    settings: ControlSettings,
    check: Callable[[Asked], object] | None = None,
) -> Sums:
    """What they ask for; `path`: the batch's endpoint. Raises `LineError` with the row of the first bad line.

    `check`: looks at each line, too, and raises `UnreadableRequestError`.
    """
    sums = Sums()
    for row, raw in enumerate(lines, 1):
        if row > _MOST_LINES:
            raise LineError(f"A batch has {_MOST_LINES:,} lines at most.")
        try:
            line = line_of(raw, path)
            asked = _add(sums, line, path, row, settings)
            if check is not None:
                check(asked)
        except (LineError, UnreadableRequestError) as error:
            what = error.what if isinstance(error, UnreadableRequestError) else str(error)
            raise LineError(f"Line {row} of the batch can't be read: {what}.") from None
        if row % _TURN == 0:
            time.sleep(0)
    if not len(sums):
        raise LineError("The batch has no lines.")
    return sums


def line_of(raw: bytes, path: str) -> Line:
    """One line; raises `LineError`."""
    if len(raw) > _LONGEST:
        raise LineError(f"it is longer than {_LONGEST >> 20} MiB")
    try:
        fields = _FIELDS(raw)
        name = _TEXT(fields["custom_id"])
        url = _TEXT(fields["url"]) if path != MESSAGES else MESSAGES
    except (msgspec.MsgspecError, KeyError, RecursionError, ValueError):
        raise LineError(
            "it is no request with a custom_id" + ("" if path == MESSAGES else " and a url")
        ) from None
    if any(held.casefold() in _HELD and held not in _HELD for held in fields):
        raise LineError("a name in it is spelt in another way")
    if url != path:
        raise LineError("its url isn't the batch's endpoint")
    if not 0 < len(name) <= _LONGEST_NAME:
        raise LineError("its custom_id is too long, or empty")
    body = bytes(fields.get("params" if path == MESSAGES else "body", b""))
    try:
        inner = frozenset(_FIELDS(body))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise LineError("it has no body") from None
    return Line(name, fields, body, inner, plain=_is_plain(bytes(raw), inner.union(fields)))


def written(
    lines: Iterable[bytes],
    path: str,
    hold: Callable[[Asked], int | None],
    drop: frozenset[str],
    mark: Callable[[Asked], None] | None = None,
) -> Iterator[bytes]:
    """Each line as it goes on, its answer held to what `hold` says, without what `drop` names.

    `mark`: puts the ticket of a line's answer in.
    """
    for row, raw in enumerate(lines, 1):
        line = line_of(raw, path)
        asked = read_request(line.body, ENDPOINTS.get(path, "messages"))
        if mark is not None:
            mark(asked)
        body = write_request(asked, max_tokens=hold(asked), drop=drop)
        yield _ENCODE({**line.fields, "params" if path == MESSAGES else "body": msgspec.Raw(body)})
        if row % _TURN == 0:
            time.sleep(0)


def recorded(lines: Iterable[bytes], path: str, batch: str, common: Accepted) -> Iterator[Accepted]:
    """Each line as the journal has it. A custom_id that comes again gets its row behind it, so that ids stay unique."""
    seen: set[str] = set()
    endpoint = ENDPOINTS.get(path, "messages")
    for row, raw in enumerate(lines, 1):
        line = line_of(raw, path)
        name = line_id(batch, line.name)
        if name in seen:
            name = f"{name}#{row}"
        seen.add(name)
        yield msgspec.structs.replace(
            common, id=name, endpoint=endpoint, batch=True, batch_id=batch, body=line.body
        )


def body_with(body: bytes, lines: Iterable[bytes]) -> bytes:
    """Anthropic's body with other items; each name stands once in it."""
    return _ENCODE({**_FIELDS(body), "requests": [msgspec.Raw(line) for line in lines]})


def _add(sums: Sums, line: Line, path: str, row: int, settings: ControlSettings) -> Asked:
    asked = read_request(line.body, ENDPOINTS.get(path, "messages"))
    inputs = settings.input_tokens(asked.text_bytes, asked.images)
    sums.models[asked.model] = sums.models.get(asked.model, 0) + inputs
    output = 0 if asked.endpoint == "embeddings" else asked.output_tokens
    sums.said.append(-1 if output is None else output)
    sums.answers.append(asked.answers)
    sums.logprobs |= asked.logprobs
    sums.raw_reasoning |= asked.raw_reasoning
    sums.special |= asked.logprobs or asked.raw_reasoning or asked.unparted
    sums.plain &= line.plain and line.inner == asked.fields.keys()
    for name in named_in(line.body, path):
        first, count = sums.named.get(name, (row, 0))
        sums.named[name] = first, count + 1
        if len(sums.named) > _MOST_NAMED:
            raise LineError("the lines up to it name too many objects")
    return asked


def _is_plain(raw: bytes, names: frozenset[str]) -> bool:
    """Whether no name stands twice, or under an escape: of two, servers differ in which one counts."""
    if b"\\u00" in raw:
        return False
    return all(raw.count(b'"%b"' % name.encode("utf-8", "replace")) == 1 for name in names)
