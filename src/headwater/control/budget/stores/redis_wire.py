"""What is said to Redis and Valkey, as plain data: a script, its keys and arguments, and what it answers.

One script call takes a whole batch and is done as a whole. The server's own time counts (`TIME`), and all keys of a
tree carry one hash tag, so that a cluster keeps them on one node. The drivers are `redis` and `redis_async`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from headwater.control.budget.lease import Answer, Ask, StoreGone
from headwater.errors import UsageError

SCRIPT: Final = files(__package__).joinpath("redis_script.lua").read_text("utf-8")
#: Begins to remember anew: KEYS the epoch, ARGV fresh (1 or 0) and durable. What is there of cells stays out of date.
BEGIN: Final = """
local time = redis.call('TIME')
local run = ARGV[2] == '1' and '' or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
redis.call('HSET', KEYS[1], 'begun', tonumber(time[1]) * 1000000 + tonumber(time[2]), 'fresh', ARGV[1], 'run', run)
return 1
"""
#: In place of a replica's name: the script changes nothing.
LOOKER: Final = ""
#: A script of more than some hundred messages would keep others waiting.
MOST_ASKS: Final = 256
_TREE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_NUMBERS: Final = 7


def checked_tree(tree: str) -> str:
    """`tree`, the name that all keys share; `UsageError` where it can't be a hash tag."""
    if not _TREE.fullmatch(tree):
        raise UsageError("a tree of budgets has a name of letters, digits, '.', '_', '-'")
    return tree


def epoch_key(tree: str) -> str:
    """Where the epoch of a tree stands."""
    return f"{{{tree}}}:epoch"


def all_keys(tree: str) -> str:
    """A pattern of all keys of a tree."""
    return f"{{{tree}}}:*"


def keys(tree: str, asks: Sequence[Ask]) -> list[str]:
    """KEYS of the script."""
    return [epoch_key(tree), *(f"{{{tree}}}:{ask.cell}" for ask in asks)]


def arguments(replica: str, asks: Sequence[Ask], *, durable: bool) -> list[str | int]:
    """ARGV of the script."""
    told: list[str | int] = [replica, int(durable)]
    for ask in asks:
        told += (*map(int, ask[1:15]), ask.member)
    return told


def answers(said: Any, asks: Sequence[Ask]) -> list[Answer]:
    """What the script said; `StoreGone` where it isn't one answer for each ask."""
    if not isinstance(said, list) or len(said) != len(asks):
        raise StoreGone("the store's answer isn't one for each message")
    found = []
    for each in said:
        if not isinstance(each, list) or len(each) != _NUMBERS or any(type(one) is not int for one in each):
            raise StoreGone("the store's answer isn't understood")
        found.append(Answer(*each))
    return found


def batches(asks: Sequence[Ask]) -> list[Sequence[Ask]]:
    """`asks` in batches that a script may take."""
    return [asks[at : at + MOST_ASKS] for at in range(0, len(asks), MOST_ASKS)]
