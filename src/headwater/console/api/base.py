"""What all paths share: who may ask, one open desk a request, strict JSON, and every error as a problem detail.

A path is declared with the scope that it needs; a path that names none can't be declared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from inspect import cleandoc, signature
from typing import Any, Final, TypeVar

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import HttpBearer

from headwater.console.desk import Desk, Office, reason_of, request_digest, token_of, versions_of
from headwater.console.front import fault
from headwater.console.guard import Guard, etag
from headwater.console.problem import KINDS, MEDIA_TYPE, Problem, of_error, of_status
from headwater.control.identity import Row, told
from headwater.errors import HeadwaterError

F = TypeVar("F", bound=Callable[..., Any])
#: The key of ASGI's scope under which the office lies.
OFFICE: Final = "headwater.office"
#: … and what the log is told of a request.
NOTE: Final = "headwater.note"
#: Scope of a path that every good key may ask.
ANY_KEY: Final = ""
#: In place of a scope: who asks shows no key, and signs what is sent; the path itself looks at that.
SIGNED: Final = "signed"
_BODY: Final = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
_LONGEST: Final = 80


class StrictJSON(Parser):
    """JSON in UTF-8 in which no name comes twice, and every number and text can be kept."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body's value; raises where it is none."""
        value = json.loads(request.body.decode(), object_pairs_hook=_object, parse_constant=_refused)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        return value


class AdminKeyAuth(HttpBearer):
    """Lets in whoever shows a good admin key with the scope."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The key; a problem where it isn't good, or lacks the scope."""
        key = desk_of(request).authenticate(token)
        request.scope[NOTE]["name"] = key.name
        if self.scope != ANY_KEY and self.scope not in key.scopes:
            told = f'Bearer realm="headwater", error="insufficient_scope", scope="{self.scope}"'
            detail = f"The admin key lacks the scope {self.scope}."
            raise Problem("scope", detail, headers={"WWW-Authenticate": told}, scope=self.scope)
        return key


class Paths:
    """Paths of one subject, each with its scope."""

    def __init__(self, tag: str) -> None:
        self.router = Router(tags=[tag])

    def __call__(
        self,
        method: str,
        path: str,
        *,
        scope: str,
        response: Any,
        status: int = 200,
        changes: bool = False,
        versioned: bool = False,
        once: bool = False,
    ) -> Callable[[F], F]:
        """Declare a path; `changes`: takes a reason, `versioned`: and If-Match, `once`: and Idempotency-Key."""

        def declared(view: F) -> F:
            tagged = "response" in signature(view).parameters
            takes: dict[str, Any] = {
                "changes": changes,
                "versioned": versioned,
                "once": once,
                "tagged": tagged,
            }
            security: list[dict[str, Any]] = [{"adminKey": [scope] if scope != ANY_KEY else []}]
            extra: dict[str, Any] = {}
            if scope == SIGNED:
                security, extra = [{"webhookSignature": []}], {"requestBody": _BODY}
            summary, _, more = (view.__doc__ or "").strip().partition("\n")
            self.router.api_operation(
                [method],
                path,
                auth=None if scope == SIGNED else AdminKeyAuth(scope),
                response={status: response},
                operation_id=view.__name__.rstrip("_"),
                summary=summary.rstrip("."),
                description=cleandoc(more) or " ",  # ninja would take the whole docstring for nothing
                openapi_extra={"x-headwater": takes, "security": security, **extra},
            )(view)
            return view

        return declared


def at_desk(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give an operation, its authentication included, an open desk."""

    @wraps(run)
    def wrapped(request: HttpRequest, **values: Any) -> HttpResponse:
        office: Office = request.scope[OFFICE]
        request.scope[NOTE]["route"] = f"/{request.resolver_match.route}"
        try:
            with office.store() as store:
                request.desk = Desk(office, store, _source(request, office), office.clock())
                return run(request, **values)
        except HeadwaterError as error:
            return _refused_by_us(request, error)

    return wrapped


def new_api() -> NinjaAPI:
    """The API, without its paths; who declares none of the scopes is nobody."""
    api = NinjaAPI(
        title="Headwater admin API",
        version="1",
        openapi_url=None,
        docs_url=None,
        auth=_nobody,
        parser=StrictJSON(),
        urls_namespace="admin",
    )
    api.add_decorator(at_desk, mode="view")
    api.add_exception_handler(Problem, _problem)
    api.add_exception_handler(HeadwaterError, _refused_by_us)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(Exception, _fault)
    return api


def desk_of(request: HttpRequest) -> Desk:
    """The desk of a request."""
    desk: Desk = request.desk
    return desk


def shown(row: Row) -> dict[str, Any]:
    """A row as others may read it."""
    return told(row) or {}


def guard_of(
    request: HttpRequest, *rows: tuple[str, str], versioned: bool = False, once: bool = False
) -> Guard:
    """What a request expects of its change."""
    desk, headers = desk_of(request), request.headers
    guard = Guard(desk.by, desk.at_us, rows=rows)
    if versioned:
        guard.versions = versions_of(headers.get("If-Match"))
    if once:
        guard.token = token_of(headers.get("Idempotency-Key"))
        guard.request = request_digest(request.method, request.get_full_path(), request.body)
    return guard


def reason(request: HttpRequest, written: str | None = None) -> str:
    """Why, as the request says."""
    return reason_of(request.headers.get("Headwater-Reason"), written)


def tagged(response: HttpResponse, version: int) -> None:
    """Say which version of a row an answer shows."""
    response["ETag"] = etag(version)


def _nobody(_: HttpRequest) -> None:
    return None


def _source(request: HttpRequest, office: Office) -> str:
    peer = request.META.get("REMOTE_ADDR", "")
    try:
        return office.sources.of(peer, request.headers.get("X-Forwarded-For", "")).host
    except ValueError:
        return "unknown"


def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    instance = request.scope[NOTE]["instance"]
    response = HttpResponse(problem.body(instance), status=problem.status, content_type=MEDIA_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    return response


def _refused_by_us(request: HttpRequest, error: HeadwaterError) -> HttpResponse:
    if error.where.file is not None:
        request.scope[NOTE]["fault"] = str(error)
    return _problem(request, of_error(error))


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [
        {
            "field": ".".join(map(str, one["loc"][_depth(one["loc"]) :]))[:_LONGEST],
            "in": str(one["loc"][0]),
            "detail": one["msg"],
        }
        for one in error.errors[:20]
    ]
    return _problem(request, Problem("invalid", "A field can't be used as it is.", errors=errors))


def _depth(loc: tuple[Any, ...]) -> int:
    """Where the name of a field begins: a body's fields stand behind the name of the view's parameter."""
    return 2 if loc[0] == "body" else 1


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 401:
        headers = {"WWW-Authenticate": 'Bearer realm="headwater"'}
        return _problem(
            request, Problem("unauthenticated", KINDS["unauthenticated"].meaning, headers=headers)
        )
    if error.status_code == 400:
        return _problem(request, Problem("malformed", "The body isn't JSON, or holds a name twice."))
    return _problem(request, of_status(error.status_code))


def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    request.scope[NOTE]["fault"] = fault(error)
    return _problem(request, of_status(500))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name comes twice")
    return made


def _refused(_: str) -> None:
    raise ValueError("no number")
