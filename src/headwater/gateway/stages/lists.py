"""Lists of an account's own objects, and how a batch is shown: as if the model server had made them for it alone.

A server lists everybody's objects, so a page is made from what is known of the account's own. What a server says of an
object that won't change any more is kept; it is asked about the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote

import msgspec

from headwater.gateway.stages.fetching import FetchFailed, Fetching
from headwater.gateway.stages.following import files_of, has_ended
from headwater.gateway.stages.owners import Listed, Owned, Owners
from headwater.gateway.wire.dialect import Dialect

#: Path of a list → kinds of objects in it, how many stand on a page unless asked otherwise, and at most.
LISTS: Final = {
    "/v1/files": (("file", "results"), 1000, 1000),
    "/v1/batches": (("batch",), 20, 100),
    "/v1/messages/batches": (("message_batch",), 20, 100),
}
_ANTHROPICS: Final = 20
_CHUNK: Final = 100
#: An object that a server doesn't know so long after it was made is gone; before, it may not know it yet.
_SETTLED_US: Final = 3_600_000_000
_NOT_FOUND: Final = 404
_MOST_KEPT: Final = 65_536


class NoSuchObjectError(Exception):
    """A page is asked for behind an object that isn't the account's."""


class Page(NamedTuple):
    """Which page of a list is asked for. `before`: Anthropic's pages can be turned back."""

    path: str
    limit: int
    after: str | None
    before: str | None
    purpose: str | None
    newest: bool


def page_of(path: str, query: bytes, dialect: Dialect) -> Page:
    """What a list's query asks for."""
    asked = dict(parse_qsl(query.decode("ascii", "replace")))
    _, usual, most = LISTS[path]
    usual = _ANTHROPICS if dialect is Dialect.ANTHROPIC else usual
    text = asked.get("limit", "")
    limit = min(most, max(1, int(text))) if text.isascii() and text.isdigit() and len(text) < 9 else usual
    after = asked.get("after_id") or asked.get("after") or None
    return Page(
        path,
        limit,
        after,
        asked.get("before_id") or None,
        asked.get("purpose") or None,
        asked.get("order") != "asc",
    )


class Lists:
    """Makes them, for the objects of one gateway."""

    def __init__(self, owners: Owners, fetching: Fetching) -> None:
        self._owners, self._fetching = owners, fetching

    async def page(
        self, account: str, asked: Page, dialect: Dialect, headers: Mapping[str, str], now_us: int
    ) -> dict[str, Any]:
        """A page; raises `NoSuchObjectError`, and `FetchFailed` where the server can't be asked."""
        kinds = LISTS[asked.path][0]
        back = asked.before is not None and asked.after is None
        newest, cursor = asked.newest is not back, asked.before if back else asked.after
        place = None if cursor is None else await self._owners.place(account, kinds, cursor)
        if cursor is not None and place is None:
            raise NoSuchObjectError
        mine: list[dict[str, Any]] = []
        while len(mine) <= asked.limit:
            most = min(_CHUNK, asked.limit + 1)
            rows = await self._owners.page(account, kinds, place, most, newest=newest)
            if not rows:
                break
            shown = await asyncio.gather(
                *(self._shown(asked.path, one, dialect, headers, now_us) for one in rows)
            )
            mine += [one for one in shown if one is not None and _fits(one, asked.purpose)]
            place = rows[-1].at_us, rows[-1].id
        data = mine[: asked.limit]
        if back:
            data.reverse()
        page: dict[str, Any] = {} if dialect is Dialect.ANTHROPIC else {"object": "list"}
        first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
        return {**page, "data": data, "first_id": first, "last_id": last, "has_more": len(mine) > asked.limit}

    def seen(self, name: str, owned: Owned, said: dict[str, Any], raw: bytes, now_us: int) -> dict[str, Any]:
        """What the server says of an object, as its owner is shown it; what follows from it is done."""
        if owned.kind == "batch":
            for told in files_of(said):
                self._owners.own(told.name, Owned(owned.account, "results", owned.batch), now_us)
        final = owned.kind in ("file", "results") or has_ended(said)
        if final and said.get("id") == name and len(raw) <= _MOST_KEPT:
            self._owners.tell(name, raw)
            self._tidy(owned, said)
        return shown_to_owner(owned, said)

    def _tidy(self, owned: Owned, said: dict[str, Any]) -> None:
        """A file that the gateway made for a batch isn't needed once that has ended."""
        made = said.get("input_file_id")
        held = self._owners.known(made) if isinstance(made, str) and owned.note else None
        if held is not None and held.kind == "ours":
            self._owners.gone(str(made))
            self.remove(str(made))

    def remove(self, file: str) -> None:
        """Remove a file that the gateway made; where that fails the server keeps it."""
        task = asyncio.ensure_future(
            self._fetching.delete(f"/v1/files/{quote(file, safe='')}", Dialect.OPENAI)
        )
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _shown(
        self, path: str, listed: Listed, dialect: Dialect, headers: Mapping[str, str], now_us: int
    ) -> dict[str, Any] | None:
        if listed.said is not None:
            said: dict[str, Any] = msgspec.json.decode(listed.said)
            return shown_to_owner(listed.owned, said)
        try:
            raw = await self._fetching.get(f"{path}/{quote(listed.id, safe='')}", dialect, headers)
            said = msgspec.json.decode(raw, type=dict[str, Any])
        except FetchFailed as error:
            if error.status == _NOT_FOUND:
                if now_us - listed.at_us > _SETTLED_US:
                    self._owners.gone(listed.id)
                return None
            raise
        except msgspec.MsgspecError:
            raise FetchFailed(0) from None
        return self.seen(listed.id, listed.owned, said, raw, now_us)


def changes(owned: Owned) -> bool:
    """Whether an object is shown to its owner otherwise than the server shows it."""
    return owned.kind == "message_batch" or (owned.kind == "batch" and bool(owned.note))


def shown_to_owner(owned: Owned, said: dict[str, Any]) -> dict[str, Any]:
    """A batch with the file that its owner named, and with its results where they are found: here."""
    if owned.kind == "batch" and owned.note and "input_file_id" in said:
        return {**said, "input_file_id": owned.note}
    if owned.kind == "message_batch" and isinstance(said.get("results_url"), str):
        # The official libraries take it as it is where it's absolute, and would leave the gateway.
        return {**said, "results_url": f"/v1/messages/batches/{said.get('id')}/results"}
    return said


def _fits(said: dict[str, Any], purpose: str | None) -> bool:
    return purpose is None or said.get("purpose") == purpose
