"""Headwater: find model-extraction campaigns in API logs, and stand behind what you found.

The public names are loaded when they are first used, so that importing the package (or asking the
command line for help) costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.investigation import Investigation, investigate

__version__ = "0.1.0"
__all__ = ["Investigation", "__version__", "investigate"]

_WHERE = {"investigate": "headwater.investigation", "Investigation": "headwater.investigation"}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'headwater' has no attribute {name!r}")
