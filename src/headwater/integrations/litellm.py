"""Identity and budgets inside LiteLLM's proxy: a guardrail that asks the decision service about each request.

    guardrails:
      - guardrail_name: headwater
        litellm_params:
          guardrail: headwater.integrations.litellm.Headwater
          mode: [pre_call, post_call]
          default_on: true
          api_base: http://127.0.0.1:8081
          token_file: /etc/headwater/decisions.token
          account_from: user_id

`account_from` names the field of LiteLLM's own key that holds the account (user_id, team_id, org_id, key_alias,
end_user_id), or `credential`: then clients show Headwater's keys, and `litellm_auth.user_api_key_auth` is LiteLLM's
`custom_auth`. Signatures are those of LiteLLM 1.106.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import ProxyException, UserAPIKeyAuth

from headwater.errors import ConfigurationError, Where
from headwater.integrations.decision_client import (
    Decision,
    DecisionClient,
    ServiceGoneError,
    ServiceSettings,
)
from headwater.integrations.litellm_answers import Streamed, plain, usage_of, without_reasoning
from headwater.integrations.litellm_requests import (
    METADATA,
    PATHS,
    body_of,
    change,
    denial,
    metadata_of,
    name_account,
    question_of,
    undecided,
)

_ACCOUNTS: Final = ("user_id", "team_id", "org_id", "key_alias", "end_user_id")
_CREDENTIAL: Final = "credential"
_KEY: Final = "headwater_decision"
_MARGIN: Final = 32
_MOST_OPEN: Final = 20_000
_CLIENT_GONE: Final = 499
_FAILED: Final = 400
_EVENTS: Final = ("pre_call", "post_call")


class _Open:
    """A request that was let through, until its end has been told and its headers are sent."""

    def __init__(self, decision: Decision, endpoint: str, *, hide_usage: bool) -> None:
        self.decision, self.endpoint, self.hide_usage = decision, endpoint, hide_usage
        self.began = time.monotonic()
        self.streams = self.told = self.done = False

    @property
    def hide_reasoning(self) -> bool:
        """Whether reasoning as the model wrote it is left out."""
        return "raw_reasoning" in self.decision.terms.drop


class Headwater(CustomGuardrail):  # type: ignore[misc, unused-ignore]
    """The guardrail. It runs for every request, whatever a key or a body says of guardrails."""

    def __init__(
        self,
        guardrail_name: str | None = None,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        token_file: str | None = None,
        unreachable_fallback: str = "fail_closed",
        account_from: str = "user_id",
        answers: str = "send",
        others: str = "refuse",
        **more: Any,
    ) -> None:
        """`answers`: send or keep, for the journal. `others`: refuse or pass, calls that can't be counted (images, …).

        Raises `ConfigurationError` where a value can't be used.
        """
        choices = {"account_from": (account_from, (*_ACCOUNTS, _CREDENTIAL)), "answers": (answers, ("send", "keep")),
                   "others": (others, ("refuse", "pass")),
                   "unreachable_fallback": (unreachable_fallback, ("fail_closed", "fail_open"))}  # fmt: skip
        for name, (given, known) in choices.items():
            if given not in known:
                hint = f"one of {', '.join(known)}"
                raise ConfigurationError("has a value that isn't known", where=Where(field=name), hint=hint)
        if more.get("run_in_parallel"):
            what = "what a parallel guardrail changes is thrown away by LiteLLM"
            raise ConfigurationError(what, where=Where(field="run_in_parallel"))
        super().__init__(guardrail_name=guardrail_name, **more)
        fail = unreachable_fallback.removeprefix("fail_")
        self._settings = ServiceSettings.of(api_base, token_file, api_key, fail)
        self._made: DecisionClient | None = None
        self._account_from, self._sends, self._others = account_from, answers == "send", others
        self._open: OrderedDict[str, _Open] = OrderedDict()

    @property
    def _client(self) -> DecisionClient:
        if self._made is None:  # made in the loop that serves
            self._made = DecisionClient(self._settings)
        return self._made

    def should_run_guardrail(self, data: Any, event_type: Any) -> bool:
        """Always: no client and no key can leave it out."""
        return getattr(event_type, "value", event_type) in _EVENTS

    async def async_pre_call_hook(
        self, user_api_key_dict: UserAPIKeyAuth, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any] | None:
        """Decided here: raises what the client is answered, or changes the request to what is granted."""
        path, endpoint = PATHS.get(str(getattr(call_type, "value", call_type)), ("", ""))
        if not path:
            if self._others == "pass":
                return None
            raise ProxyException("This isn't offered here.", "invalid_request_error", None, 403)
        body = body_of(data)
        question = question_of(data, path, body)
        if self._account_from != _CREDENTIAL:
            name_account(question, getattr(user_api_key_dict, self._account_from, None), self._account_from)
        try:
            decision = await self._client.decide(question)
        except ServiceGoneError as error:
            self._client.say(str(error))
            if self._client.fails_open:
                return None
            raise undecided() from None
        if not decision.allowed:
            raise denial(decision)
        change(data, body, decision)
        asks_usage = isinstance(body.get("stream_options"), dict) and body["stream_options"].get(
            "include_usage"
        )
        entry = _Open(decision, endpoint, hide_usage=endpoint in ("chat", "completion") and not asks_usage)
        self._remember(entry)
        metadata_of(data)[_KEY] = decision.decision
        if decision.terms.delay_ms:
            try:
                await asyncio.sleep(decision.terms.delay_ms / 1000)
            except BaseException:
                self._tell(entry, {"sent": False})
                raise
        return data

    async def async_post_call_success_hook(
        self, data: dict[str, Any], user_api_key_dict: UserAPIKeyAuth, response: Any
    ) -> Any:
        """An answer that came whole: settled, and without what the tier doesn't have."""
        entry = self._of(data)
        if entry is None or entry.streams:
            return None
        told: dict[str, Any] = {"status": 200}
        usage = usage_of(response, entry.endpoint)
        if usage is not None:
            told["input_tokens"], told["output_tokens"] = usage
        if self._sends:
            told["response"] = plain(response)
        self._tell(entry, told)
        return without_reasoning(response) if entry.hide_reasoning else None

    async def async_post_call_failure_hook(
        self,
        request_data: dict[str, Any],
        original_exception: Exception,
        user_api_key_dict: UserAPIKeyAuth,
        traceback_str: str | None = None,
    ) -> None:
        """No answer came: the request counts, tokens don't; where the client went away, its input does."""
        entry = self._of(request_data)
        if entry is None or entry.streams:
            return
        named = getattr(original_exception, "status_code", None) or getattr(original_exception, "code", None)
        status = int(str(named)) if str(named).isdigit() else 500
        if status == _CLIENT_GONE:
            self._tell(entry, {"cancelled": True, "output_tokens": 0})
        else:
            self._tell(entry, {"status": status if status >= _FAILED else 500})

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: UserAPIKeyAuth, response: Any, request_data: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """A stream passes event by event, paid slice by slice where the tier has it so; settled however it ends."""
        entry = self._of(request_data)
        if entry is None:
            async for item in response:
                yield item
            return
        entry.streams = True
        stream = Streamed(
            entry.endpoint,
            hide_usage=entry.hide_usage,
            hide_reasoning=entry.hide_reasoning,
            keeps=self._sends,
        )
        paid, gone = entry.decision.terms.slice_tokens, True
        try:
            async for item in response:
                passes = stream.feed(item)
                if entry.decision.terms.slice_tokens and stream.written + _MARGIN > paid:
                    paid += await self._paid(entry)
                if passes is not None:
                    yield passes
            gone = False
        except Exception:
            gone = False
            raise
        finally:
            self._tell(entry, _ended(stream, gone=gone))

    async def async_post_call_response_headers_hook(
        self,
        data: dict[str, Any],
        user_api_key_dict: UserAPIKeyAuth,
        response: Any,
        request_headers: dict[str, str] | None = None,
        litellm_call_info: dict[str, Any] | None = None,
    ) -> dict[str, str] | None:
        """How limits stand."""
        entry = self._of(data)
        if entry is None:
            return None
        entry.told = True
        self._drop(entry)
        return dict(entry.decision.headers)

    async def _paid(self, entry: _Open) -> int:
        try:
            more = await self._client.extend(entry.decision.decision)
        except ServiceGoneError as error:
            self._client.say(str(error))
            if self._client.fails_open:
                return entry.decision.terms.slice_tokens
            raise undecided() from None
        if not more.allowed:
            raise denial(more)
        return more.tokens

    def _remember(self, entry: _Open) -> None:
        self._open[entry.decision.decision] = entry
        while self._open:
            oldest = next(iter(self._open.values()))
            fresh = time.monotonic() - oldest.began < max(1, oldest.decision.lasts_s)
            if fresh and len(self._open) <= _MOST_OPEN:
                break
            self._open.popitem(last=False)

    def _of(self, data: Mapping[str, Any]) -> _Open | None:
        for name in METADATA:
            held = data.get(name)
            found = self._open.get(str(held.get(_KEY))) if isinstance(held, dict) else None
            if found is not None:
                return found
        return None

    def _tell(self, entry: _Open, told: dict[str, Any]) -> None:
        if entry.done:
            return
        entry.done = True
        told["latency_ms"] = round((time.monotonic() - entry.began) * 1000, 3)
        if entry.decision.settle:
            self._client.later(self._client.settle(entry.decision.decision, told))
        self._drop(entry)

    def _drop(self, entry: _Open) -> None:
        if entry.done and entry.told:
            self._open.pop(entry.decision.decision, None)


def _ended(stream: Streamed, *, gone: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"status": 200, "cancelled": gone, "output_tokens": stream.written}
    if stream.usage is not None:
        if stream.usage[0]:
            told["input_tokens"] = stream.usage[0]
        told["output_tokens"] = max(stream.usage[1], stream.written) if gone else stream.usage[1]
    if stream.text is not None:
        told["events"] = stream.text
    return told
