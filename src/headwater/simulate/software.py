"""What requests are sent with: client software, addresses, system prompts, models. Rings use the same ones.

Addresses come from ranges that belong to nobody (shared and benchmark space); fingerprints are constructed.
"""

from __future__ import annotations

import numpy as np

from headwater.simulate.chance import Ints

#: Families: user agent pattern, versions, TLS fingerprint, popularity.
_FAMILIES = (
    (
        "OpenAI/Python {}",
        ("1.51.0", "1.54.4", "1.58.1", "1.61.0", "1.66.3", "1.70.0"),
        "t13d1714h1_5b57614c22b0_000000000001",
        26,
    ),
    ("python-requests/{}", ("2.31.0", "2.32.3"), "t13d1712h1_ab0a1bf427ad_000000000002", 10),
    ("python-httpx/{}", ("0.27.2", "0.28.1"), "t13d1714h1_5b57614c22b0_000000000003", 6),
    ("OpenAI/JS {}", ("4.68.4", "4.77.0", "4.85.1"), "t13d5911h1_a33745022dd6_000000000004", 14),
    ("node-fetch/{}", ("1.0", "2.6.7"), "t13d5911h1_a33745022dd6_000000000005", 4),
    ("curl/{}", ("7.88.1", "8.5.0", "8.9.1"), "t13d3112h2_e8f1e7e78f70_000000000006", 4),
    ("Go-http-client/{}", ("1.1", "2.0"), "t13d1310h2_f57a46bbacb6_000000000007", 5),
    ("okhttp/{}", ("4.10.0", "4.12.0"), "t13d1613h2_46e7e9700bed_000000000008", 4),
    ("LiteLLM/{}", ("1.55.3", "1.61.20"), "t13d1714h1_5b57614c22b0_000000000009", 4),
    ("Mozilla/5.0 (Windows) Chrome/{}", ("128.0", "131.0"), "t13d1516h2_8daaf6152771_00000000000a", 12),
    ("Mozilla/5.0 (Macintosh) Safari/{}", ("17.6", "18.1"), "t13d2014h2_a09f3c656075_00000000000b", 7),
    ("Mozilla/5.0 (X11; Linux) Firefox/{}", ("130.0", "132.0"), "t13d1715h2_5b57614c22b0_00000000000c", 4),
)  # fmt: skip
AGENTS: tuple[str, ...] = tuple(name.format(v) for name, versions, _, _ in _FAMILIES for v in versions)
TLS: tuple[str, ...] = tuple(tls for _, versions, tls, _ in _FAMILIES for _ in versions)
#: The family of each user agent, as a number into `wire.FAMILIES`.
FAMILY: Ints = np.array([i for i, (_, versions, _, _) in enumerate(_FAMILIES) for _ in versions])
_POPULAR = np.array([weight / len(versions) for _, versions, _, weight in _FAMILIES for _ in versions])
_POPULAR /= _POPULAR.sum()

#: System prompts in the manner of public clients and small products; the first is by far the commonest.
SYSTEMS: tuple[str, ...] = (
    "You are a helpful assistant.",
    "You are a helpful, honest and concise assistant. If you are not sure, say so.",
    "You are a coding assistant. Answer with code first, then a short explanation. Use Markdown.",
    "You are an expert software engineer. You work in the user's repository and never invent files.",
    "You are a writing coach. Improve clarity and keep the author's tone.",
    "You are a patient tutor. Lead the student to the answer step by step and never just give it away.",
    "You answer in the language of the question. Keep formatting plain: no headings, no emphasis.",
    "You are the assistant of a bank's app. Answer questions on cards and transfers. Be brief and polite.",
    "Extract what is asked for and return JSON only.",
    "你是一个乐于助人的助手。请用中文简洁地回答。",
    "You are a customer-service agent. Use the customer's name, apologise once, and offer a next step.",
    "You translate between languages. Return the translation and nothing else.",
    "Act as a research assistant. Name assumptions, and mark what is uncertain.",
    "You book restaurants, hotels and trains. Ask for missing details one at a time.",
)
MODELS: tuple[str, ...] = ("small-1", "large-1", "mini-1", "large-2")
ENDPOINTS: tuple[str, ...] = ("chat", "responses", "messages")


def agents(rng: np.random.Generator, count: int) -> Ints:
    """`count` user agents by popularity, as numbers into `AGENTS`."""
    return rng.choice(len(AGENTS), size=count, p=_POPULAR).astype(np.int64)


def addresses(rng: np.random.Generator, count: int, *, hosted: bool = False) -> list[str]:
    """`count` client addresses; `hosted` ones lie in a range of their own, as data centres' do."""
    number = rng.integers(0, 1 << (17 if hosted else 22), count)
    first, second = (198, 18) if hosted else (100, 64)
    return [f"{first}.{second + (n >> 16)}.{n >> 8 & 255}.{n & 255}" for n in number.tolist()]


def homes(rng: np.random.Generator, people: int) -> list[str]:
    """Addresses of persons; one in eight shares a carrier's or a campus's with some twenty others."""
    own = addresses(rng, people)
    carriers = addresses(rng, max(1, people // 150))
    shared = (rng.random(people) < 0.12).tolist()
    which = rng.integers(0, len(carriers), people).tolist()
    return [carriers[w] if s else ip for ip, w, s in zip(own, which, shared, strict=True)]
