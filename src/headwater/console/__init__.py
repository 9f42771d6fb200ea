"""The other process: an admin API over the rooms, on a conventional stack, that never shares the relay's hot path.

It translates between HTTP and the rooms and decides nothing. `serve` runs it over an `Office`; `AdminKeys` are who may
ask. Django, django-ninja and uvicorn are in the extra `console`, and loaded when they are used.
"""

from headwater.console.admin_keys import AdminKey, AdminKeys
from headwater.console.application import openapi_document
from headwater.console.desk import Books, Office
from headwater.console.problem import KINDS as PROBLEMS
from headwater.console.scopes import SCOPES
from headwater.console.serve import serve
from headwater.console.settings import ConsoleFile, ConsoleSettings, Verifier
from headwater.console.till import Till

__all__ = [
    "PROBLEMS",
    "SCOPES",
    "AdminKey",
    "AdminKeys",
    "Books",
    "ConsoleFile",
    "ConsoleSettings",
    "Office",
    "Till",
    "Verifier",
    "openapi_document",
    "serve",
]
