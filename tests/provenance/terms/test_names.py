"""Names of models as they stand in columns and cards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.provenance.terms import Model, identify, is_human
from headwater.provenance.terms.licences import licence
from headwater.provenance.terms.providers import shipped


def found(name: str) -> Model:
    model = identify(name)
    assert model is not None, name
    return model


@pytest.mark.parametrize(
    ("name", "provider", "family"),
    [
        ("gpt-4-0613", "openai", "gpt-4"),
        ("gpt4", "openai", "gpt-4"),
        ("GPT-4o mini", "openai", "gpt-4"),
        ("gpt-4-1106-preview", "openai", "gpt-4"),
        ("gpt-3.5-turbo", "openai", "gpt-3.5"),
        ("gpt-35-turbo", "openai", "gpt-3.5"),
        ("chatgpt", "openai", "chatgpt"),
        ("ChatGPT-4o-latest", "openai", "chatgpt"),
        ("text-davinci-003", "openai", "gpt-3"),
        ("o1-preview", "openai", "o-series"),
        ("claude-3-opus-20240229", "anthropic", "claude"),
        ("claude-instant-1", "anthropic", "claude"),
        ("claude-sonnet-4-5-20250929", "anthropic", "claude"),
        ("gemini-1.5-pro", "google", "gemini"),
        ("palm-2-chat-bison-001", "google", "palm"),
        ("google/gemma-2-27b-it", "google", "gemma"),
        ("meta-llama/Llama-3.1-70B-Instruct", "meta", "llama-3.1"),
        ("Meta-Llama-3-8B", "meta", "llama-3"),
        ("meta-llama/Llama-2-70b-chat-hf", "meta", "llama-2"),
        ("llama-13b", "meta", "llama-1"),
        ("llama3.1:70b", "meta", "llama-3.1"),
        ("Llama-4-Maverick-17B-128E-Instruct-FP8", "meta", "llama-4"),
        ("Qwen/Qwen2.5-72B-Instruct", "alibaba", "qwen2.5-72b"),
        ("Qwen/Qwen2.5-7B-Instruct", "alibaba", "qwen2.5"),
        ("Qwen/Qwen3-235B-A22B", "alibaba", "qwen3"),
        ("qwen-max", "alibaba", "qwen-api"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral", "mixtral"),
        ("Mistral-Nemo-Instruct-2407", "mistral", "mistral-7b"),
        ("grok-2", "xai", "grok"),
        ("grok-1", "xai", "grok-1"),
        ("kimi-k2", "moonshot", "kimi-k2"),
        ("glm-4", "zhipu", "glm-4"),
        ("nvidia/Nemotron-4-340B-Instruct", "nvidia", "nemotron"),
        ("microsoft/phi-4", "microsoft", "phi"),
        ("command-r-plus", "cohere", "command-r"),
        ("deepseek-chat", "deepseek", "deepseek-api"),
        ("deepseek-ai/DeepSeek-R1", "deepseek", "deepseek-r1"),
        ("reka/reka-core-20240501", "reka", "reka"),
        ("yi-large", "zero-one", "yi-api"),
        ("openchat_3.5", None, "openchat-3.5"),
        ("https://huggingface.co/meta-llama/Llama-3.1-8B", "meta", "llama-3.1"),
    ],
)
def test_known_names(name: str, provider: str | None, family: str) -> None:
    assert (found(name).provider, found(name).family) == (provider, family)


@pytest.mark.parametrize(
    "name",
    [
        "gpt4all",
        "nomic-ai/gpt4all-j",
        "gpt",
        "llama",
        "gpt-4-clone",
        "someone/gpt-4",
        "not-gpt-4",
        "claudette-7b",
        "unknown",
        "model",
        "",
        "   ",
        "///",
        "x" * 5000,
        "gemini-pro-killer",
    ],
)
def test_unknown_names_stay_unknown(name: str) -> None:
    assert identify(name) is None


@pytest.mark.parametrize("name", ["gpt-2", "gpt2-xl", "gpt-neo-2.7B", "EleutherAI/gpt-j-6B", "gpt-oss-120b"])
def test_weights_are_not_under_the_terms_of_a_service(name: str) -> None:
    assert not found(name).served
    assert found(name).licences[0] in ("mit", "apache-2.0")


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", ["qwen2.5"]),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", ["llama-3.3"]),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", ["llama-3.1"]),
        ("nvidia/Llama-3.1-Nemotron-70B-Instruct-HF", ["llama-3.1"]),
        ("vicuna-7b-v1.5", ["llama-2"]),
        ("vicuna-33b-v1.3", ["llama-1"]),
        ("vicuna-13b", ["llama-1", "llama-2"]),
        ("alpaca-7b", ["llama-1"]),
        ("tulu-2-dpo-70b", ["llama-2"]),
        ("HuggingFaceH4/zephyr-7b-beta", ["mistral-7b"]),
        ("NousResearch/Hermes-3-Llama-3.1-8B", ["llama-3.1"]),
        ("cognitivecomputations/dolphin-2.5-mixtral-8x7b", ["mixtral"]),
        ("WizardLM-13B-V1.2", ["llama-1", "llama-2"]),
        ("Orca-2-13b", ["llama-2"]),
        ("gpt4-x-alpaca", ["alpaca"]),
        ("teknium/OpenHermes-2.5-Mistral-7B", ["mistral-7b"]),
    ],
)
def test_what_a_model_derives_from(name: str, bases: list[str]) -> None:
    assert [base.family for base in found(name).bases] == bases


@pytest.mark.parametrize(
    ("name", "router", "provider", "family"),
    [
        ("openrouter/anthropic/claude-3.5-sonnet", "openrouter", "anthropic", "claude"),
        ("bedrock/anthropic.claude-v2", "bedrock", "anthropic", "claude"),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "bedrock", "anthropic", "claude"),
        ("us.meta.llama3-1-70b-instruct-v1:0", "bedrock", "meta", "llama-3.1"),
        ("azure/gpt-4o", "azure", "openai", "gpt-4"),
        ("together_ai/meta-llama/Llama-3-70b-chat-hf", "together-ai", "meta", "llama-3"),
        ("accounts/fireworks/models/llama-v3p1-70b-instruct", "fireworks", "meta", "llama-3.1"),
        ("openrouter/deepseek/deepseek-chat:free", "openrouter", "deepseek", "deepseek-api"),
    ],
)
def test_routers(name: str, router: str, provider: str, family: str) -> None:
    model = found(name)
    assert (model.router, model.provider, model.family) == (router, provider, family)


def test_the_name_of_published_weights_is_not_the_service() -> None:
    assert found("deepseek-ai/DeepSeek-V3").served is False
    assert found("deepseek-coder").served is True
    assert found("deepseek-coder").weights is True


@pytest.mark.parametrize(
    "name", ["human", "Human", "crowd", "crowdworkers", "human-written", "annotators", "expert"]
)
def test_people(name: str) -> None:
    assert is_human(name)
    assert identify(name) is None


@pytest.mark.parametrize("name", ["superhuman-7b", "humanoid", "gpt-4", "expert-llama", "people/model"])
def test_what_sounds_like_people_is_not(name: str) -> None:
    assert not is_human(name)


@given(st.text(max_size=60))
def test_any_text_is_a_model_or_none(name: str) -> None:
    model = identify(name)
    assert model is None or model.name == name


@given(
    st.sampled_from(["gpt-4", "claude-3-opus", "gemini-1.5-pro", "grok-2"]),
    st.text("abcxyz", min_size=3, max_size=9),
)
def test_a_foreign_word_makes_a_service_unknown(name: str, word: str) -> None:
    if word not in shipped().words:
        assert identify(f"{name}-{word}") is None
        assert identify(f"{name}{word}") is None


def test_the_table_holds_together() -> None:
    names = shipped()
    families = [each.family for each in names.families]
    assert len(families) == len(set(families))
    for each in names.families:
        assert each.provider is None or each.provider in names.providers
        assert all(licence(name) is not None for name in each.licences)
        assert all(names.family(base) for base in each.bases)
    assert set(names.organisations.values()) <= set(names.providers)
    assert {router.provider for router in names.routers.values()} <= set(names.providers)
    assert names.hub <= set(names.organisations)
