"""An explanation as plain records: a title and a few headed groups of sentences.

`campaign` and `account` write stories; a page, a terminal and `--json` show the same one.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A heading and the sentences under it."""

    heading: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """What is known about one campaign or account, in sentences. `about` is its id."""

    about: str
    title: str
    passages: tuple[Passage, ...]

    def text(self, width: int = 80) -> str:
        """The story as plain text, wrapped at `width` columns. Its strings are not cleaned."""
        parts = [textwrap.fill(self.title, width)]
        for passage in self.passages:
            lines = [
                textwrap.fill(sentence, width, initial_indent="  ", subsequent_indent="    ")
                for sentence in passage.sentences
            ]
            parts.append("\n".join([passage.heading, *lines]))
        return "\n\n".join(parts) + "\n"


def passage(heading: str, *sentences: str | None) -> Passage:
    """A passage of those sentences that are there."""
    return Passage(heading, tuple(s for s in sentences if s))
