"""The reference's skeleton: a folded text without what fills its slots, in plain Python.

Three ways, the first that leaves at least four fixed words:

1. *Labels.* If two lines are labels of one kind (`[Question]`, `### Input`, `<text>`, `**Answer**`, `Question:`;
   the first of these kinds that marks two lines), the skeleton is those labels; all between them is slot.
2. *First line.* Of several lines, the first without its inline slots; the rest is slot.
3. *Inline.* The whole text without its inline slots.

A text with fewer fixed words than that has no slots: its skeleton is the text itself, runs of digits masked.
Inline slots are list items, addresses, e-mails, words over 40 letters or with digits, code in backticks, quotations,
text in {} [] <>, and what follows a colon to the end of its line. Slots with no word between them are one slot;
white space does not count. This is the specification of `kernel.skeleton`.
"""

from __future__ import annotations

from headwater.imprint.kernel.codes import FIXED_HALF_WORDS, SLOT
from headwater.imprint.reference_text import GAPS, WORD, masked, shape_of

#: One item of a skeleton: whether it is a word, and the word, the symbol or the mark of a slot.
Item = tuple[bool, str]

MARK = (False, chr(SLOT))
BREAKS = "\n\v"
ANY_WORD = WORD + "u"
#: Quotation marks that open, with those that close them.
QUOTES = {
    '"': '"',
    "\u201c": "\u201d",
    "«": "»",
    "「": "」",
    "『": "』",
    "\u201e": "\u201c",
    "\u2018": "\u2019",
}
#: Kinds of label, strongest first, by the character that they begin with.
LABEL_KINDS = "[#<*:"


def skeleton(units: str, shape: str) -> list[Item]:
    """The skeleton of a folded text as items; empty for an empty text."""
    lines = _lines(shape)
    ways: list[list[Item]] = []
    if kind := _label_kind(shape, lines):
        ways.append(_labels(units, shape, lines, kind))
    if len(lines) > 1:
        first = _inline(units, shape, lines[0][1])
        ways.append(first if first[-1:] == [MARK] else [*first, MARK])
    ways.append(_inline(units, shape, len(units) - 1))
    for items in ways:
        if _half_words(items) >= FIXED_HALF_WORDS:
            return items
    return _all_items(units, shape, 1, len(units) - 1)


def skeleton_text(units: str, shape: str) -> str:
    """The skeleton as one can read it, with `…` for each slot."""
    return " ".join("…" if item == MARK else item[1] for item in skeleton(units, shape))


def _half_words(items: list[Item]) -> int:
    """Fixed words, a code point of an unspaced script counting half."""
    return sum(1 if shape_of(word[0]) == "u" else 2 for is_word, word in items if is_word)


def _all_items(units: str, shape: str, start: int, end: int) -> list[Item]:
    """All words (digits masked) and symbols."""
    items: list[Item] = []
    i = start
    while i < end:
        after = _word_end(shape, i)
        if after > i:
            items.append((True, masked(units[i:after], shape[i:after])))
        elif shape[i] not in GAPS:
            items.append((False, units[i]))
        i = max(after, i + 1)
    return items


def _word_end(shape: str, i: int) -> int:
    """Where the token that begins at i ends; i if none does."""
    if shape[i] == "u":
        return i + 1
    while shape[i] in WORD:
        i += 1
    return i


def _lines(shape: str) -> list[tuple[int, int]]:
    """Start and end of each line, without the spaces around the text."""
    lines, start = [], 1
    for i in range(1, len(shape)):
        if shape[i] in BREAKS or i == len(shape) - 1:
            lines.append((start, i))
            start = i + 1
    return lines


def _label(shape: str, start: int, end: int) -> tuple[str, int]:
    """Kind of label that a line is ("" for none), and where its fixed part ends."""
    line = shape[start:end]
    if line and len(line) <= 80:
        if line[0] == "#":
            return "#", end
        if line[0] + line[-1] in ("[]", "<>"):
            return line[0], end
        if line.startswith("**") and len(line) > 4 and line[-1] in "*:":
            return "*", end
    fixed, before = 0, ""
    for i, klass in enumerate(line[:40]):
        if klass == ":":
            closed = line[i + 1 : i + 2] in ("", " ") or before == "u"
            return (":", start + i + 1) if fixed and closed else ("", end)
        if klass == "u":
            fixed += 1
        elif klass in WORD:
            fixed += 0 if before and before in WORD else 2
        elif klass not in " '()-_/#":
            return "", end
        if fixed > 8:
            return "", end
        before = klass
    return "", end


def _label_kind(shape: str, lines: list[tuple[int, int]]) -> str:
    kinds = [_label(shape, *line)[0] for line in lines]
    return next((kind for kind in LABEL_KINDS if kinds.count(kind) > 1), "")


def _labels(units: str, shape: str, lines: list[tuple[int, int]], kind: str) -> list[Item]:
    items: list[Item] = []
    for start, end in lines:
        found, fixed = _label(shape, start, end)
        if found == kind:
            items += [*_all_items(units, shape, start, fixed), MARK]
    return items


def _inline(units: str, shape: str, end: int) -> list[Item]:
    """The items of the text up to `end`, each inline slot replaced by a MARK."""
    items: list[Item] = []
    slot = -1  # the last slot, while no word has come since
    i = 1
    while i < end:
        fresh = i == 1 or shape[i - 1] in BREAKS
        after = _slot_end(units, shape, i, end, fresh)
        word_end = _word_end(shape, i)
        if after > i:
            if shape[i] == ":":
                items.append((False, ":"))
            if slot >= 0:
                del items[slot:]
            slot = len(items)
            items.append(MARK)
        elif word_end > i:
            items.append((True, units[i:word_end]))
            slot = -1
        elif shape[i] not in GAPS:
            items.append((False, units[i]))
        i = max(after, word_end, i + 1)
    return items


def _slot_end(units: str, shape: str, i: int, end: int, fresh: bool) -> int:
    """Where the slot that begins at i ends; i if none does. `fresh`: a line begins here."""
    if fresh and _is_list_item(shape, i, end):
        return _line_end(shape, i, end)
    klass = shape[i]
    if klass in ANY_WORD:
        after = _address(shape, i, end) if fresh or shape[i - 1] not in ANY_WORD else i
        word_end = _word_end(shape, i)
        is_slot = "0" in shape[i:word_end] or word_end - i > 40
        return after if after > i else word_end if is_slot else i
    if klass == ":":
        after = _line_end(shape, i, end)
        opens = after > i + 1 and (shape[i + 1] == " " or (not fresh and shape[i - 1] == "u"))
        return after if opens else i
    return _quoted(units, shape, i, end) if klass not in GAPS else i


def _line_end(shape: str, i: int, end: int) -> int:
    while i < end and shape[i] not in BREAKS:
        i += 1
    return i


def _is_list_item(shape: str, i: int, end: int) -> bool:
    """A bullet, or up to three digits or one letter with ) or . after it; then a space."""
    if shape[i] in "-*+•":
        return shape[i + 1 : end][:1] == " "
    if shape[i] == "(":
        i += 1
    rest = shape[i:end][:5]
    digits = len(rest) - len(rest.lstrip("0"))
    digits = min(digits, 3) or (1 if rest[:1] and rest[0] in WORD else 0)
    return digits > 0 and rest[digits : digits + 2] in (") ", ". ")


def _address(shape: str, i: int, end: int) -> int:
    """End of the address or e-mail that begins at i; i if none does."""
    j = i
    while j < min(end, i + 64) and shape[j] in ANY_WORD + "+-._":
        j += 1
    if shape[j:end].startswith("://"):
        while j < end and shape[j] not in GAPS:
            j += 1
        return j
    if j + 1 < end and shape[j] == "@" and shape[j + 1] in ANY_WORD:
        j += 1
        while j < end and shape[j] in ANY_WORD + "-.":
            j += 1
        return j
    return i


def _quoted(units: str, shape: str, i: int, end: int) -> int:
    """End of the code, quotation, bracket or tag that begins at i; i if none does."""
    opener = units[i]
    if opener == "`":
        if units[i:end].startswith("```"):
            close = units.find("```", i + 3, end)
            return end if close < 0 else close + 3
        return _until(units, i, min(end, i + 200), "`", BREAKS)
    if opener in QUOTES:
        return _until(units, i, min(end, i + 2000), QUOTES[opener], opener + "\v")
    if opener == "'" and shape[i - 1] not in ANY_WORD:
        return _single_quoted(shape, i, end)
    if opener == "{":
        return _balanced(shape, i, min(end, i + 4000), "{}", "")
    if opener == "[":
        return _balanced(shape, i, min(end, i + 200), "[]", "\v")
    if opener == "<" and shape[i + 1 : end][:1] and shape[i + 1] in ANY_WORD + "/":
        return _until(units, i, min(end, i + 100), ">", "<" + BREAKS)
    return i


def _until(units: str, i: int, end: int, close: str, stops: str) -> int:
    """The place after the next `close`, i if a stop comes first."""
    for j in range(i + 1, end):
        if units[j] == close:
            return j + 1
        if units[j] in stops:
            return i
    return i


def _single_quoted(shape: str, i: int, end: int) -> int:
    """'like this': closed by the first ' that no word follows, on the same line."""
    if i + 1 < end and shape[i + 1] not in GAPS:
        for j in range(i + 1, min(end, i + 200)):
            if shape[j] in BREAKS:
                return i
            if shape[j] == "'" and not (j + 1 < end and shape[j + 1] in ANY_WORD):
                return j + 1
    return i


def _balanced(shape: str, i: int, end: int, pair: str, stop: str) -> int:
    """The place after the bracket that closes the one at i, at most eight deep; i if there is none."""
    depth = 0
    for j in range(i, end):
        if shape[j] == pair[0]:
            depth += 1
            if depth > 8:
                return i
        elif shape[j] == pair[1]:
            depth -= 1
            if depth == 0:
                return j + 1
        elif shape[j] == stop:
            return i
    return i
