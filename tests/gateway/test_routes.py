"""Which requests pass, what upstreams are, and which settings can't be meant."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.gateway import ROUTES, Dialect, Does, RelaySettings, Route, Routes
from headwater.gateway.relay.upstream import Upstream

TABLE = Routes()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_found(route: Route) -> None:
    assert TABLE.find(route.method.encode(), route.path.replace("{id}", "x-1").encode()) is route
    assert TABLE.find(b"PUT", route.path.encode()) is None


@pytest.mark.parametrize(
    "path",
    [
        b"/", b"/v1", b"/v1/chat/completions/", b"//v1/chat/completions", b"/v1//models", b"/v1/models/",
        b"/v1/models/..",
        b"/v1/models/.", b"/v1/models/../files", b"/v1/models/a/..", b"/v1/models/a/%2e%2e/b", b"/v1/models/a%2F..",
        b"/v1/models/%2F", b"/v1/files/a%2Fb", b"/v1/files/a/b", b"/v1/files/..%2F..", b"/v1/files/a;b", b"/V1/models",
        b"/v1/messages/count_tokens/", b"/v1/models/" + b"a" * 300, b"/metrics", b"/v1/files/a\\b", b"/v1/models/a//b",
    ],
)  # fmt: skip
def test_what_looks_like_a_route_isnt_one(path: bytes) -> None:
    assert TABLE.methods(path) == ()


@pytest.mark.parametrize(
    "name",
    [b"gpt-4o", b"meta-llama/Llama-3.1-8B", b"meta-llama%2FLlama-3.1-8B", b"ft:m:o::1", b"..a", b"a.."],
)
def test_names_of_models(name: bytes) -> None:
    found = TABLE.find(b"GET", b"/v1/models/" + name)
    assert found is not None
    assert found.model == "path"


@given(st.binary(max_size=60))
def test_any_path_is_found_or_not(path: bytes) -> None:
    found = TABLE.find(b"GET", b"/v1/files/" + path)
    assert found is None or path != b".."


def test_more_routes_pass_where_an_operator_lets_them() -> None:
    table = Routes([Route("POST", "/v1/audio/{id}/speech", Dialect.OPENAI, Does.GENERATES)])
    assert table.find(b"POST", b"/v1/audio/x/speech") is not None
    for path in ("v1/x", "/v1/.*", "/v1/{name}", "/v1/x?y", "/"):
        with pytest.raises(UsageError):
            Routes([Route("GET", path, Dialect.OWN, Does.READS)])


@pytest.mark.parametrize(
    ("url", "wanted", "authority"),
    [
        ("http://127.0.0.1:8000", Upstream(False, "127.0.0.1", 8000), b"127.0.0.1:8000"),
        ("https://api.openai.com", Upstream(True, "api.openai.com", 443), b"api.openai.com"),
        ("https://api.openai.com:443/", Upstream(True, "api.openai.com", 443), b"api.openai.com"),
        ("http://[::1]:8000/base/x", Upstream(False, "::1", 8000, b"/base/x"), b"[::1]:8000"),
    ],
)
def test_upstreams(url: str, wanted: Upstream, authority: bytes) -> None:
    assert Upstream.parse(url) == wanted
    assert wanted.authority == authority


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8000", "ftp://a", "http://a:0", "http://a:70000", "http://u:p@a", "http://a/?b", "http://a/../b",
     "http://a/x/./y", "http://a b", "http://a\r\nX: y", "http://a#b"],
)  # fmt: skip
def test_what_isnt_an_upstream(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Upstream.parse(url)
    assert "p@" not in str(caught.value)


def test_every_setting_has_a_line_a_unit_and_bounds() -> None:
    for entry in fields(RelaySettings):
        assert entry.metadata["doc"].endswith(".")
        if not isinstance(entry.default, str):
            assert entry.metadata["range"]
            for wrong in (-1, math.nan):
                with pytest.raises(ConfigurationError) as caught:
                    replace(RelaySettings(), **{entry.name: wrong})
                assert caught.value.where.field == f"relay.{entry.name}"
    for wrong in ({"certificate_key": "a"}, {"client_ca": "a"}, {"idle_s": math.inf}, {"workers": 300}):
        with pytest.raises(ConfigurationError):
            replace(RelaySettings(), **wrong)  # type: ignore[arg-type]
