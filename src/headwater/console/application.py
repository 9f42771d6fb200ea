"""The API as an ASGI application: Django's settings, which are this process's, and the framework behind `front`.

Nothing of Django that the API doesn't use is switched on: no database, no sessions, no middleware, no templates.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from headwater.console.desk import Office
from headwater.console.front import App, Front, Receive, Send
from headwater.errors import UsageError


def configure() -> None:
    """Give Django its settings, once in a process. Raises `UsageError` where the extra isn't installed."""
    if not all(map(find_spec, ("django", "ninja", "uvicorn"))):
        hint = "pip install 'headwater[console]'"
        raise UsageError("the admin API needs Django, django-ninja and uvicorn", hint=hint)
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],  # which hosts may be named is looked at before, in `front`
            APPEND_SLASH=False,
            DEBUG=False,
            INSTALLED_APPS=[],
            LOGGING_CONFIG=None,
            MIDDLEWARE=[],
            ROOT_URLCONF="headwater.console.api.urls",
            SECRET_KEY=secrets.token_hex(32),  # signs nothing
            USE_I18N=False,
            USE_TZ=True,
        )
    # It logs paths and messages of exceptions, which may quote a request; `front` says what is to be said.
    logging.getLogger("django").setLevel(logging.CRITICAL + 1)
    django.setup(set_prefix=False)


def application(office: Office, log: Callable[[str], None]) -> App:
    """The application over an office; `log` is told a line for each request, and where a fault was."""
    configure()
    from django.core.handlers.asgi import ASGIHandler
    from django.urls import get_resolver

    from headwater.console.api.base import OFFICE

    handler = ASGIHandler()
    _ = get_resolver().url_patterns  # imported now, so that the first request doesn't wait for it

    async def framework(scope: Any, receive: Receive, send: Send) -> None:
        scope[OFFICE] = office
        await handler(scope, receive, send)

    return Front(framework, office.settings, log)


def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the admin API. Raises `UsageError` where the extra isn't installed."""
    configure()
    from headwater.console.api.document import document
    from headwater.console.api.urls import API

    return document(API)
