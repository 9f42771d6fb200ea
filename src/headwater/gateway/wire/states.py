"""The states of one message as it is read, and what leads from one to the next: the whole automaton is this table.

Rule 1: what may follow what stands here and nowhere else; `reader` only finds out which step the bytes take.
Rule 2: nothing here knows whether the message is a request or a response.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Final


class State(IntEnum):
    """Where the reader stands in a message (integers, because looking them up is the hot path)."""

    #: Between messages, or within a head that isn't whole yet.
    HEAD = auto()
    #: In a body whose length the head told (RFC 9112 §6.2).
    LENGTH = auto()
    #: Before or within a chunk's size line (RFC 9112 §7.1).
    CHUNK_SIZE = auto()
    #: In a chunk's data.
    CHUNK_DATA = auto()
    #: Before the line break that ends a chunk's data.
    CHUNK_END = auto()
    #: After the last chunk's size line: an empty line must follow, for trailers aren't taken.
    LAST_CHUNK = auto()
    #: In a body that lasts until the connection ends (responses only).
    UNTIL_CLOSE = auto()
    #: The message is whole. Nothing more is read until `next_message`.
    DONE = auto()
    #: The bytes can't be read. Nothing is ever read again.
    REFUSED = auto()


class Step(IntEnum):
    """What the bytes said."""

    INTERIM_HEAD = auto()  # a 1xx response's: another head follows
    HEAD_WITHOUT_BODY = auto()
    HEAD_WITH_LENGTH = auto()
    HEAD_WITH_CHUNKS = auto()
    HEAD_UNTIL_CLOSE = auto()
    SIZE = auto()
    LAST_SIZE = auto()
    DATA_WHOLE = auto()
    LINE_END = auto()
    CLOSED = auto()  # the connection ended where a body lasts until then
    NEXT = auto()


# By name, because reading a member of its class costs more than all else that a step does.
HEAD: Final = State.HEAD
LENGTH: Final = State.LENGTH
CHUNK_SIZE: Final = State.CHUNK_SIZE
CHUNK_DATA: Final = State.CHUNK_DATA
CHUNK_END: Final = State.CHUNK_END
LAST_CHUNK: Final = State.LAST_CHUNK
UNTIL_CLOSE: Final = State.UNTIL_CLOSE
DONE: Final = State.DONE
REFUSED: Final = State.REFUSED

#: Any state may also lead to REFUSED, which nothing leads out of.
TABLE: Final[dict[State, dict[Step, State]]] = {
    State.HEAD: {
        Step.INTERIM_HEAD: State.HEAD,
        Step.HEAD_WITHOUT_BODY: State.DONE,
        Step.HEAD_WITH_LENGTH: State.LENGTH,
        Step.HEAD_WITH_CHUNKS: State.CHUNK_SIZE,
        Step.HEAD_UNTIL_CLOSE: State.UNTIL_CLOSE,
    },
    State.LENGTH: {Step.DATA_WHOLE: State.DONE},
    State.CHUNK_SIZE: {Step.SIZE: State.CHUNK_DATA, Step.LAST_SIZE: State.LAST_CHUNK},
    State.CHUNK_DATA: {Step.DATA_WHOLE: State.CHUNK_END},
    State.CHUNK_END: {Step.LINE_END: State.CHUNK_SIZE},
    State.LAST_CHUNK: {Step.LINE_END: State.DONE},
    State.UNTIL_CLOSE: {Step.CLOSED: State.DONE},
    State.DONE: {Step.NEXT: State.HEAD},
    State.REFUSED: {},
}
