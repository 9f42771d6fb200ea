"""How a person writes: persistent habits that show in part of their prompts.

Real people greet or don't, drop capitals, ask for short answers, mention their trade. A voice is a fixed set
of such habits with the share of prompts that show each. Their strength is fitted to real accounts elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headwater.simulate.chance import Floats

_GREETINGS = (
    "Hi, ", "Hello! ", "hey ", "Hey there, ", "Good morning. ", "Good evening, ", "Hi there! ",
    "Dear assistant, ", "hello, ", "hi!! ", "Greetings. ", "Ok, ", "OK so ", "So, ", "Quick question: ",
    "Question: ", "Q: ", "Another one: ", "Next: ", "Need help. ", "Help: ", "pls help: ", "Hi again, ",
    "Sorry to bother you. ",
)  # fmt: skip
_REQUESTS = (
    "could you help me with this? ", "please help me with the following. ", "I need your help: ",
    "can u do this: ", "I'd like to know: ", "I was wondering: ", "please answer this: ", "tell me: ",
    "I have to solve this: ", "my colleague asked me this: ", "for my notes: ", "for work: ",
    "this is for school: ", "I'm stuck on this: ", "take a look at this: ", "here is what I need:\n",
    "see below.\n\n", "the following:\n", "what about this:\n", "consider this: ", "kindly assist: ",
    "would you mind looking at this? ",
)  # fmt: skip
_TRADES = (
    "a nurse", "a teacher", "a student", "a plumber", "a lawyer", "a mother of two", "a retired engineer",
    "a translator", "a small shop owner", "a physics undergraduate", "a product manager", "an accountant",
    "a game developer", "a data analyst", "a tutor", "a journalist", "a farmer", "a call-centre agent",
    "a chemist", "an electrician", "a librarian", "a Java developer", "a hobby cook", "a taxi driver",
    "a pharmacist",
)  # fmt: skip
_TRADE_FRAMES = ("I am {}. ", "I'm {}. ", "As {}, ", "I work as {}. ", "(I'm {}) ", "Context: I am {}.\n")
_WISHES = (
    "Answer briefly.", "Be concise.", "Keep it short.", "Explain in simple words.", "Give an example.",
    "Explain like I'm five.", "In one paragraph please.", "In bullet points.", "Use a table if it helps.",
    "No introduction, just the answer.", "Show the steps.", "Think it through step by step.",
    "Answer in English.", "Be precise.", "Don't make things up.", "Say so if you are not sure.",
    "Check your answer.", "Give reasons.", "Name your sources.", "In formal language.", "With emojis!",
    "Max 100 words.", "Give me three options.", "Please double-check the numbers.", "short answer only",
    "just the result", "explain why", "with details pls",
)  # fmt: skip
_THANKS = (
    "Thanks!", "Thank you.", "thanks in advance", "thx", "Many thanks!", "Thank you so much :)", "ty",
    "Cheers", "Regards", "Best", "Much appreciated.", "tks", "Thank you very much for your help!", "Danke",
    "Grazie!",
)  # fmt: skip
#: Openings and closings of people who write other languages.
_FOREIGN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "zh": (
        ("你好，", "请问，", "您好！", "帮我看看：", "麻烦您，", "问题：", "请教一下，", "急！", "老师好，"),
        ("谢谢", "谢谢！", "请简短回答。", "请详细说明。", "请举例。", "用中文回答。", "多谢了"),
    ),
    "de": (
        ("Hallo, ", "Guten Tag. ", "Frage: ", "Kurz: ", "Bitte: "),
        ("Danke!", "Vielen Dank.", "Bitte kurz.", "LG"),
    ),
    "fr": (
        ("Bonjour, ", "Salut, ", "Question : ", "Svp : "),
        ("Merci !", "Merci d'avance.", "Réponse courte svp."),
    ),
    "es": (
        ("Hola, ", "Buenas, ", "Pregunta: ", "Por favor: "),
        ("Gracias.", "¡Gracias!", "Respuesta breve."),
    ),
    "ru": (
        ("Привет, ", "Здравствуйте. ", "Вопрос: ", "Подскажите: "),
        ("Спасибо!", "Спасибо.", "Коротко."),
    ),
    "ja": (
        ("こんにちは。", "質問です。", "教えてください。"),
        ("よろしくお願いします。", "短くお願いします。", "ありがとう"),
    ),
}  # fmt: skip
_SILENT = (("",), ("",))
_LAYOUTS = ("{}", "\n{}", '"{}"', "- {}")


class Voice(NamedTuple):
    """Habits of one person. Rates are the shares of prompts that show each; phrases are for English.

    `casing`: 0 as it is, 1 lower first letter, 2 all lower, 3 first word in capitals. `ending`: 0 as it is,
    1 dropped, 2 doubled, 3 three dots, 4 exclamation. `layout`: 0 as it is, 1 new line, 2 quoted, 3 dashed.
    `seed` chooses the phrases in other languages.
    """

    opening: str
    closing: str
    seed: int
    casing: int
    ending: int
    layout: int
    opening_rate: float
    closing_rate: float
    form_rate: float
    typo_rate: float


def draw(rng: np.random.Generator, count: int, strength: float) -> list[Voice]:
    """`count` voices. `strength` is the mean share of prompts that show a habit; persons differ around it."""
    kind = rng.random((count, 2))
    opening = [_opening(rng, u) for u in kind[:, 0].tolist()]
    closing = [_closing(rng, u) for u in kind[:, 1].tolist()]
    personal = np.minimum(strength * rng.gamma(1.5, 1 / 1.5, count), 0.95)

    def rate(some: float) -> list[float]:
        """A habit that a share `some` of people have, each as strongly as the person is habitual."""
        shown: Floats = np.minimum(personal * rng.uniform(0.5, 1.5, count), 1.0)
        return [float(r) for r in np.where(rng.random(count) < some, shown, 0.0)]

    seeds, casing, ending, layout = (rng.integers(0, top, count).tolist() for top in (1 << 31, 4, 5, 4))
    rows = zip(
        opening,
        closing,
        seeds,
        casing,
        ending,
        layout,
        rate(0.6),
        rate(0.6),
        rate(0.7),
        rate(0.1),
        strict=True,
    )
    return [Voice(*row) for row in rows]


def _any(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _opening(rng: np.random.Generator, kind: float) -> str:
    greeting, request = _any(rng, _GREETINGS), _any(rng, _REQUESTS)
    trade = _any(rng, _TRADE_FRAMES).format(_any(rng, _TRADES))
    if kind < 0.3:
        return greeting
    if kind < 0.45:
        return greeting + request
    return request if kind < 0.8 else trade


def _closing(rng: np.random.Generator, kind: float) -> str:
    wish, thanks = _any(rng, _WISHES), _any(rng, _THANKS)
    if kind < 0.45:
        return wish
    return f"{wish} {thanks}" if kind < 0.65 else thanks


def _ended(text: str, ending: int) -> str:
    bare = text.rstrip(" .?!。？！")
    mark = text[len(bare) :].strip()[:1] or "."
    return bare + ("", mark * 2, "...", mark + "!")[ending - 1]


def _cased(text: str, casing: int) -> str:
    if casing == 1:
        return text[:1].lower() + text[1:]
    if casing == 2:
        return text.lower() if len(text) < 400 else text
    first, space, rest = text.partition(" ")
    return first.upper() + space + rest


def speak(voice: Voice, text: str, language: str, bits: int) -> str:
    """`text` as this person would have written it this time; 64 random `bits` decide which habits show."""
    opens, closes, formed, slips = (((bits >> shift) & 0xFFF) / 4096 for shift in (0, 12, 24, 36))
    if formed < voice.form_rate:
        text = _ended(text, voice.ending) if voice.ending else text
        text = _cased(text, voice.casing) if voice.casing else text
        before, _, after = _LAYOUTS[voice.layout].partition("{}")
        text = before + text + after
    if slips < voice.typo_rate and len(text) > 20:
        place = 2 + (bits >> 48) * (len(text) - 5) // 65536
        text = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    opening, closing = voice.opening, voice.closing
    if language != "en":
        openings, closings = _FOREIGN.get(language, _SILENT)
        opening, closing = openings[voice.seed % len(openings)], closings[(voice.seed >> 8) % len(closings)]
    if opens < voice.opening_rate:
        text = opening + text
    return f"{text} {closing}" if closes < voice.closing_rate and closing else text
