"""The whole of the API: its paths under /v1, what explains problems, and bare errors that `front` words."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from headwater.console.api import accounts, changes, keys, organisations, standing, tiers, verifications
from headwater.console.api.base import NOTE, new_api
from headwater.console.api.document import document
from headwater.console.problem import KINDS, PATH

API: Final = new_api()
for _subject in (accounts, organisations, keys, tiers, changes, standing, verifications):
    API.add_router("", _subject.paths.router)


def _explained(_: HttpRequest, name: str = "") -> HttpResponse:
    """What a kind of problem means, or all of them."""
    told = {one: {"title": k.title, "status": k.status, "meaning": k.meaning} for one, k in KINDS.items()}
    if not name:
        return JsonResponse(told)
    return JsonResponse(told[name]) if name in told else HttpResponse(status=404)


def _document(_: HttpRequest) -> HttpResponse:
    return JsonResponse(document(API))


def _bare(status: int) -> Any:
    def answer(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        if status == 500:
            request.scope[NOTE].setdefault("fault", "a fault in Headwater itself")
        return HttpResponse(status=status)

    return answer


urlpatterns = [
    path("openapi.json", _document),
    path(PATH.strip("/"), _explained),
    path(f"{PATH.strip('/')}/<str:name>", _explained),
    path("v1/", API.urls),
]
handler400, handler403, handler404, handler500 = map(_bare, (400, 403, 404, 500))
