"""One answer that is being written: its tokens so far, and which contexts it had.

A context that came before in the answer is left unmarked, or a text that repeats itself would repeat for ever. A
`Memory` does the same over many answers, so that a prompt that is asked again gets another answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from threading import Lock

from headwater.errors import UsageError
from headwater.mark.embed.rule import Rule
from headwater.mark.engines.windows import LARGEST_TOKEN

_Context = tuple[int, ...]
#: Two contexts of a full memory have one name with a chance of 2^-88.
_NAME_BYTES = 16


class Memory:
    """Contexts that were marked in any answer, each under its keys; at most `most`, the oldest are forgotten.

    It keeps a hash of each, so its size doesn't depend on their width: about 200 bytes a context.
    """

    def __init__(self, most: int = 1 << 20) -> None:
        if most < 1:
            raise UsageError("a memory holds at least one context")
        self.most = most
        self._owners: OrderedDict[bytes, object] = OrderedDict()
        self._lock = Lock()

    def belongs(self, rule: Rule, context: _Context, owner: object) -> bool:
        """Whether `owner` was the first with this context, which it becomes where nobody was."""
        owners, named = self._owners, repr((rule.key, rule.master, context)).encode("ascii")
        name = blake2b(named, digest_size=_NAME_BYTES).digest()
        with self._lock:
            first = owners.setdefault(name, owner)
            if len(owners) > self.most:
                owners.popitem(last=False)  # a dict's first would be looked for past all that were taken out
        return first is owner


class Row:
    """One answer under `rule`; `prompt`: the token ids before it, without padding. `memory`: shared with others;
    there a context is `owner`'s, by default this object's own, so one answer that is built anew is given the same.

    Raises `UsageError` for what is no token id (0 to 2^32 - 2).
    """

    __slots__ = ("_memory", "_owner", "_seen", "_tokens", "rule")

    def __init__(
        self,
        rule: Rule,
        prompt: Iterable[int] = (),
        memory: Memory | None = None,
        owner: object | None = None,
    ) -> None:
        self.rule = rule
        self._tokens = [_checked(token) for token in prompt]
        self._seen: set[_Context] = set()
        self._memory, self._owner = memory if rule.once else None, owner or object()
        if rule.once and rule.prompt_seen:
            width = rule.width
            self._seen.update(
                tuple(self._tokens[end - width : end]) for end in range(width, len(self._tokens))
            )

    @property
    def tokens(self) -> Sequence[int]:
        """The prompt's tokens and those that were appended."""
        return self._tokens

    @property
    def context(self) -> _Context | None:
        """The last `rule.width` tokens; None where the next token is left unmarked.

        That is: there are too few tokens, or this context was seen before, here or in another answer of the same
        memory, and the rule marks each once.
        """
        width = self.rule.width
        if len(self._tokens) < width:
            return None
        context = tuple(self._tokens[-width:])
        if context in self._seen:
            return None
        if self._memory is not None and not self._memory.belongs(self.rule, context, self._owner):
            return None
        return context

    def append(self, token: int) -> None:
        """The token that was taken; its context has been seen now."""
        width, token = self.rule.width, _checked(token)
        if self.rule.once and len(self._tokens) >= width:
            self._seen.add(tuple(self._tokens[-width:]))
        self._tokens.append(token)

    def copy(self) -> Row:
        """Another answer with the same beginning (a beam); in a memory it has contexts of its own."""
        other = Row(self.rule, memory=self._memory)
        other._tokens, other._seen = self._tokens.copy(), self._seen.copy()
        return other


def _checked(token: int) -> int:
    number = int(token)
    if not 0 <= number <= LARGEST_TOKEN:
        raise UsageError(f"token ids must be from 0 to {LARGEST_TOKEN}")
    return number
