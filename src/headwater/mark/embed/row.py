"""One answer that is being written: its tokens so far, and which contexts it had.

A context that came before in the answer is left unmarked, or a text that repeats itself would repeat for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from headwater.mark.embed.rule import Rule


class Row:
    """One answer under `rule`; `prompt`: the token ids before it, without padding."""

    def __init__(self, rule: Rule, prompt: Sequence[int] = ()) -> None:
        self.rule = rule

    @property
    def tokens(self) -> Sequence[int]:
        """The prompt's tokens and those that were appended."""
        raise NotImplementedError

    @property
    def context(self) -> tuple[int, ...] | None:
        """The last `rule.width` tokens; None where the next token is left unmarked.

        That is: there are too few tokens, or this context was seen before and the rule marks each once.
        """
        raise NotImplementedError

    def append(self, token: int) -> None:
        """The token that was taken; its context has been seen now."""
        raise NotImplementedError

    def copy(self) -> Row:
        """Another answer with the same beginning (a beam, a retry)."""
        raise NotImplementedError
