"""Pages of rows: a cursor that says where one ended, and a bound on how many rows are looked at for one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any, Final

from headwater.console.problem import Problem

#: Rows looked at for a page. One with a seldom met filter may be short, or empty, and still have a next one.
_LOOKED_AT: Final = 5_000
_AT_ONCE: Final = 500


def page(
    rows_after: Callable[[str, int], list[Any]],
    after: str | None,
    limit: int,
    fits: Callable[[Any], bool] = lambda _: True,
) -> tuple[list[Any], str | None]:
    """At most `limit` rows that fit, and the cursor of the next page; `rows_after` gives rows behind an id."""
    found: list[Any] = []
    last = _id(after)
    for row in _each(rows_after, last):
        if row is None:
            return found, None
        if len(found) == limit:
            break
        last = row.id
        if fits(row):
            found.append(row)
    return found, _cursor(last)


def _each(rows_after: Callable[[str, int], list[Any]], last: str) -> Iterator[Any]:
    """Rows, then None where there are no more; ends without None where enough were looked at."""
    for _ in range(_LOOKED_AT // _AT_ONCE):
        rows = rows_after(last, _AT_ONCE)
        yield from rows
        if len(rows) < _AT_ONCE:
            yield None
            return
        last = rows[-1].id


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _id(cursor: str | None) -> str:
    if not cursor:
        return ""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        detail = "`after` is what `next` of the page before said."
        errors = [{"field": "after", "in": "query", "detail": "not a cursor"}]
        raise Problem("invalid", detail, errors=errors) from None
