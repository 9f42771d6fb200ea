"""What a model says in tests, as each API of OpenAI and Anthropic tells it: whole, and event by event.

A model's name says what it does: `thinks` reasons first, `calls` calls a tool where it's given one, others say hello.
"""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
WORDS = ["Hello", " there", "."]
THOUGHT = "They greet."
SUMMARY = {"type": "summary_text", "text": "A greeting."}


def embeddings(body: Json) -> Json:
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": at, "embedding": [0.5, float(at)]} for at in range(len(given))]
    return {
        "object": "list",
        "model": body["model"],
        "data": data,
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }


def _calls(body: Json) -> bool:
    return body.get("model") == "calls" and bool(body.get("tools"))


def chat(body: Json) -> Json:
    if _calls(body):
        call = {
            "id": "call_1",
            "type": "function",
            "function": {"name": "f", "arguments": '{"city": "Bern"}'},
        }
        said, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    else:
        said, reason = {"role": "assistant", "content": "".join(WORDS)}, "stop"
        if body.get("model") == "thinks":
            said["reasoning_content"] = THOUGHT
    choices = [
        {"index": at, "message": said, "logprobs": None, "finish_reason": reason}
        for at in range(body.get("n") or 1)
    ]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": choices,
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
    }


def chat_events(body: Json) -> list[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    if body.get("model") == "thinks":
        deltas.append({"reasoning_content": THOUGHT})
    reason = "stop"
    if _calls(body):
        reason = "tool_calls"
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
        deltas.append({"tool_calls": [call]})
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
            for piece in ('{"city": ', '"Bern"}')
        ]
    else:
        deltas += [{"content": word} for word in WORDS]
    told = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    told.append({"index": 0, "delta": {}, "finish_reason": reason})
    wants = bool((body.get("stream_options") or {}).get("include_usage"))
    events = [{**head, "choices": [one], **({"usage": None} if wants else {})} for one in told]
    if wants:
        events.append(
            {**head, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}
        )
    return [*(b"data: %b\n\n" % json.dumps(one).encode() for one in events), b"data: [DONE]\n\n"]


def completion(body: Json) -> Json:
    prompts = (
        body["prompt"]
        if isinstance(body["prompt"], list) and isinstance(body["prompt"][0], (str, list))
        else [0]
    )
    count = len(prompts) * (body.get("n") or 1)
    choices = [
        {"index": at, "text": "".join(WORDS), "logprobs": None, "finish_reason": "stop"}
        for at in range(count)
    ]
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": body["model"],
        "choices": choices,
        "usage": {"prompt_tokens": 2, "completion_tokens": 3 * count, "total_tokens": 2 + 3 * count},
    }


def completion_events(body: Json) -> list[bytes]:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": body["model"]}
    events = [
        {**head, "choices": [{"index": 0, "text": word, "logprobs": None, "finish_reason": None}]}
        for word in WORDS
    ]
    events.append({**head, "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append(
            {**head, "choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}}
        )
    return [*(b"data: %b\n\n" % json.dumps(one).encode() for one in events), b"data: [DONE]\n\n"]


def _blocks(body: Json) -> list[Json]:
    blocks: list[Json] = []
    if body.get("model") == "thinks":
        blocks.append({"type": "thinking", "thinking": THOUGHT, "signature": "s"})
    if _calls(body):
        return [*blocks, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"city": "Bern"}}]
    return [*blocks, {"type": "text", "text": "".join(WORDS), "citations": None}]


def message(body: Json) -> Json:
    reason = "tool_use" if _calls(body) else "end_turn"
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": _blocks(body),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }


def message_events(body: Json) -> list[bytes]:
    whole = message(body)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 9, "output_tokens": 1}}
    events: list[Json] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, block in enumerate(whole["content"]):
        kind = block["type"]
        if kind == "text":
            empty, deltas = (
                {"type": kind, "text": ""},
                [{"type": "text_delta", "text": word} for word in WORDS],
            )
        elif kind == "thinking":
            empty = {"type": kind, "thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": THOUGHT},
                {"type": "signature_delta", "signature": "s"},
            ]
        else:
            empty = {**block, "input": {}}
            deltas = [
                {"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"city": ', '"Bern"}')
            ]
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
            "usage": {"output_tokens": 3},
        }
    )
    events.append({"type": "message_stop"})
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]


def response(body: Json, name: str, carried: int) -> Json:
    """One of OpenAI's responses; it repeats what it was asked."""
    tail = name.rpartition("_")[2]
    output: list[Json] = []
    if body.get("model") == "thinks":
        output.append(
            {
                "type": "reasoning",
                "id": f"rs_{tail}",
                "summary": [SUMMARY],
                "content": [{"type": "reasoning_text", "text": THOUGHT}],
            }
        )
    if _calls(body):
        output.append(
            {
                "type": "function_call",
                "id": f"fc_{tail}",
                "call_id": "call_1",
                "name": "f",
                "arguments": '{"city": "Bern"}',
                "status": "completed",
            }
        )
    else:
        said = {"type": "output_text", "text": "".join(WORDS), "annotations": []}
        output.append(
            {
                "type": "message",
                "id": f"msg_{tail}",
                "role": "assistant",
                "status": "completed",
                "content": [said],
            }
        )
    usage = {
        "input_tokens": 9 + carried,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 12 + carried,
    }
    return {
        "id": name,
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "background": body.get("background", False),
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "top_p": 1.0,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store", True),
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "truncation": "disabled",
        "usage": usage,
        "metadata": body.get("metadata", {}),
    }


def response_events(whole: Json, begun: Json) -> list[bytes]:
    """The stream of a response: every kind of event that its items have."""
    events: list[Json] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(whole["output"]):
        at = {"output_index": index, "item_id": item["id"]}
        empty = {
            **item,
            **({"content": []} if "content" in item else {}),
            **({"arguments": ""} if "arguments" in item else {}),
        }
        events.append({"type": "response.output_item.added", "output_index": index, "item": empty})
        if item["type"] == "reasoning":
            part, text = {"type": "summary_text", "text": ""}, item["summary"][0]["text"]
            say = {**at, "summary_index": 0}
            events += [
                {"type": "response.reasoning_summary_part.added", **say, "part": part},
                {"type": "response.reasoning_summary_text.delta", **say, "delta": text},
                {"type": "response.reasoning_summary_text.done", **say, "text": text},
                {"type": "response.reasoning_summary_part.done", **say, "part": {**part, "text": text}},
            ]
            thought = {"type": "reasoning_text", "text": THOUGHT}
            say = {**at, "content_index": 0}
            events += [
                {"type": "response.content_part.added", **say, "part": {**thought, "text": ""}},
                {"type": "response.reasoning_text.delta", **say, "delta": THOUGHT},
                {"type": "response.reasoning_text.done", **say, "text": THOUGHT},
                {"type": "response.content_part.done", **say, "part": thought},
            ]
        elif item["type"] == "function_call":
            events += [
                {"type": "response.function_call_arguments.delta", **at, "delta": piece}
                for piece in ('{"city": ', '"Bern"}')
            ]
            events.append(
                {
                    "type": "response.function_call_arguments.done",
                    **at,
                    "arguments": item["arguments"],
                    "name": "f",
                }
            )
        else:
            say, part = {**at, "content_index": 0}, item["content"][0]
            events.append({"type": "response.content_part.added", **say, "part": {**part, "text": ""}})
            events += [
                {"type": "response.output_text.delta", **say, "delta": word, "logprobs": []} for word in WORDS
            ]
            events.append({"type": "response.output_text.done", **say, "text": part["text"], "logprobs": []})
            events.append({"type": "response.content_part.done", **say, "part": part})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": whole})
    told = [{**one, "sequence_number": number} for number, one in enumerate(events)]
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in told]
