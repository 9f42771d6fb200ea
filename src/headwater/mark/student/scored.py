"""What can be computed again of differences: which tokens of which accounts were scored, however they were cut.

A commitment is made of texts before there are differences, and the file of differences only says of itself what texts
it was made of. The tokens that were scored are the same in both, whatever the models saw at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

import numpy as np

from headwater.errors import UsageError
from headwater.mark.scheme import Tokens
from headwater.mark.student.differences import Differences
from headwater.mark.student.stored import About
from headwater.mark.student.texts import Text


def scored_of_texts(texts: Sequence[Text]) -> str:
    """SHA-256 of the tokens that are scored, in their order, and of whose they are: before they are compared."""
    return _digest((text.tokens[max(text.prompt, 1) :], text.account) for text in texts)


def scored_of_differences(found: Differences, about: About) -> str:
    """The same of differences; `UsageError` where they weren't made as `about` says: too wide, or too many kept."""
    if int(np.diff(found.starts).max()) > about.window_asked:
        raise UsageError("the differences aren't what they say: a window is longer")
    if len(found.rows) and int(np.diff(found.rows.begin).max()) > about.kept:
        raise UsageError("the differences aren't what they say: more tokens of a place are kept")
    bounds = np.searchsorted(found.position, found.starts)
    whose = [found.accounts[at] if at >= 0 else "" for at in found.account.tolist()]
    tokens = found.tokens[found.position]
    return _digest(
        (tokens[begin:end], account)
        for begin, end, account in zip(bounds[:-1], bounds[1:], whose, strict=True)
    )


def _digest(parts: Iterable[tuple[Tokens, str]]) -> str:
    digest = hashlib.sha256()
    runs: list[tuple[str, int]] = []
    for tokens, account in parts:
        if not len(tokens):
            continue
        digest.update(tokens.astype("<i8").tobytes())
        if runs and runs[-1][0] == account:
            runs[-1] = (account, runs[-1][1] + len(tokens))
        else:
            runs.append((account, len(tokens)))
    digest.update(json.dumps(runs).encode())
    return digest.hexdigest()
