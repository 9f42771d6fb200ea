"""The table of phrases: in the form that it promises, and as quiet on people's writing as on noise."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from headwater.provenance.audit import artefact_kinds, artefacts
from headwater.provenance.audit.invisible import invisible
from headwater.provenance.terms import load_registry

PHRASES = artefacts().phrases


def kinds(text: str) -> set[str]:
    """Kinds that speak against a human writer."""
    told = artefact_kinds()
    return {hit.phrase.kind for hit in artefacts().find([text.encode()]) if told[hit.phrase.kind].unsettles}


class TestForm:
    def test_phrases_are_written_as_they_are_searched(self) -> None:
        for phrase in PHRASES:
            assert phrase.text == phrase.text.lower(), phrase.text
            assert "’" not in phrase.text, phrase.text
            assert "\x00" not in phrase.text
            assert phrase.kind in artefact_kinds()
            assert re.fullmatch("any|[a-z]{2,3}", phrase.language)

    def test_each_is_written_once(self) -> None:
        assert [text for text, count in Counter(phrase.text for phrase in PHRASES).items() if count > 1] == []

    def test_none_is_short(self) -> None:
        """In bytes, of which a letter of Chinese has three."""
        assert [phrase.text for phrase in PHRASES if len(phrase.text.encode()) < 5] == []

    def test_each_is_found_by_itself_and_with_a_capital(self) -> None:
        for phrase in PHRASES:
            if phrase.before or phrase.after:
                continue
            for form in (
                phrase.text,
                phrase.text[0].upper() + phrase.text[1:],
                phrase.text.replace("'", "’"),
            ):
                hits = artefacts().find([f". {form} .".encode()])
                assert any(hit.phrase == phrase or phrase.text in hit.phrase.text for hit in hits), form

    def test_providers_are_known_by_the_registry_of_terms(self) -> None:
        known = {document.partition("/")[0] for document in load_registry().documents()} | {"other", None}
        assert {phrase.provider for phrase in PHRASES} - known <= {"cohere"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Als KI-Sprachmodell kann ich das nicht beurteilen."),
        ("fr", "En tant que modèle de langage, je n’ai pas d’opinions personnelles."),
        ("es", "Como modelo de lenguaje, no puedo navegar por internet."),
        ("pt", "Como modelo de linguagem, não tenho opiniões pessoais."),
        ("it", "In quanto modello linguistico, non ho opinioni personali."),
        ("pl", "Jako model językowy nie mam uczuć."),
        ("ru", "Я — языковая модель и не имею личного мнения."),
        ("uk", "Як мовна модель, я не маю думок."),
        ("sv", "Som en AI-språkmodell har jag inga känslor."),
        ("fi", "Olen kielimalli, enkä voi tietää sitä."),
        ("tr", "Bir yapay zeka dil modeli olarak duygularım yok."),
        ("el", "Ως γλωσσικό μοντέλο, δεν έχω συναισθήματα."),
        ("vi", "Với tư cách là một mô hình ngôn ngữ, tôi không có cảm xúc."),
        ("id", "Sebagai model bahasa, saya tidak punya perasaan."),
        ("zh", "作为一个人工智能语言模型，我没有个人观点。"),
        ("ja", "AI言語モデルとして、私には感情がありません。"),
        ("ko", "저는 AI 언어 모델이라서 감정이 없습니다."),
        ("ar", "بصفتي نموذج لغوي، لا أملك مشاعر."),
        ("he", "אני מודל שפה ואין לי רגשות."),
        ("hi", "एक एआई भाषा मॉडल के रूप में, मेरी कोई राय नहीं है।"),
        ("th", "ในฐานะโมเดลภาษา ฉันไม่มีความรู้สึก"),
        ("fa", "من یک مدل زبانی هستم و احساسی ندارم."),
        ("sw", "Kama modeli ya lugha, sina hisia."),
    ],
)
def test_what_a_model_says_of_itself_is_found(language: str, text: str) -> None:
    hits = artefacts().find([text.encode()])
    assert language in {hit.phrase.language for hit in hits if hit.phrase.kind == "self-identification"}


@pytest.mark.parametrize(
    "text",
    [
        "We thank the volunteers; as a language teacher, I model every sentence.",
        "He can't help with that requestion of facts.",
        "The <b>think</b> tank and the <thinker> tag.",
        "I am Claudia. I am Geminiani's pupil. I'm Llamatron.",
        "An [INSTITUTE] and an [instance].",
        "Ich bin eine Kirche, sagte das Haus.",
        "Je suis une iatrogène.",
        "Als Sprachmodelle noch klein waren",
    ],
)
def test_words_that_only_begin_alike_are_left_alone(text: str) -> None:
    assert artefacts().find([text.encode()]) == []


@pytest.mark.parametrize(
    "text",
    [
        "می‌خواهم به خانه‌ی دوست‌هایم بروم و نمی‌دانم کی برمی‌گردم. " * 50,
        "क्‍ष और श्‍र के बीच, क्‌ष भी लिखा जाता है। " * 50,
        "👨‍👩‍👧‍👦🏳️‍🌈❤️" * 50,
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f" * 20,
        "ภาษาไทยเป็นภาษาที่สวยงาม " * 50,
        "ᠮᠣᠩ᠎ᠭᠣᠯ " * 50,
        "\u200fשלום\u200f, hello\u200e " * 50,
        "1️⃣2️⃣3️⃣" * 50,
    ],
    ids=["fa", "hi", "emoji", "flags", "th", "mn", "he", "keycaps"],
)
def test_scripts_and_pictures_hide_nothing(text: str) -> None:
    assert invisible(text) == []


# Was so: people's own sentences, each of which takes a human's claim its standing.
@pytest.mark.parametrize(
    "text",
    [
        # Words that end in the phrase's first letter: only ASCII letters are looked at beside a phrase.
        "Большая языковая модель обучена на корпусе новостей.",
        "Это моя языковая модель.",
        "Наша новая языковая модель показала хороший результат.",
        "Це моя мовна модель.",
        # "such as", "known as", "is a": said of machines, not by them.
        "Tecnologie come intelligenza artificiale e blockchain.",
        "Tecnologías como inteligencia artificial y robótica.",
        "Tecnologias como inteligência artificial e robótica.",
        "Tehnologii ca inteligență artificială și robotică.",
        "Olyan területek, mint mesterséges intelligencia.",
        "Besser bekannt als Künstliche Intelligenz.",
        "Beter bekend als kunstmatige intelligentie.",
        "Lebih dikenal sebagai kecerdasan buatan.",
        "Obor známý jako umělá inteligence.",
        "Den fungerar som en språkmodell.",
        "ChatGPT là một mô hình ngôn ngữ lớn của OpenAI.",
        "生成AIとして世界で最も有名だ。",
        "人工知能として初めてプロ棋士に勝った。",
        "생성형 AI로서 주목받는다.",
        "En tant qu'intelligence artificielle, le système bat tous les joueurs.",
        "We fine-tune GPT-2 as a language model on WikiText.",
        "BERT can be used as a large language model backbone.",
        "They deploy it as an AI assistant for doctors.",
        "GPT-3 is a language model developed by OpenAI.",
        "PaLM is a large language model trained by Google.",
        "The AI developed by Meta scored best.",
        # People and their trades.
        "我是一个AI工程师，住在北京。",
        "作为一名人工智能专家，他认为前景很好。",
        "作为一个人工智能公司的创始人，我很忙。",
        "मैं एक एआई कंपनी में काम करता हूँ।",
        "I'm just an AI engineer.",
        "I am an AI assistant professor at MIT.",
        "Elle travaille en tant qu'assistant virtuel pour une PME.",
        "Trabaja como asistente de IA en Madrid.",
        "I'm Claude, nice to meet you; my brother is Paul.",
        "I am Claude Monet's grandson.",
        "I'm Kimi, and I drive fast.",
        "I am Coral, the new neighbour.",
        "I am Gemini, a sign of air.",
        "I'm Llama, the zookeeper's favourite.",
        # Regrets of people.
        "У меня нет личных вещей.",
        "Мои знания ограничены школьной программой.",
        "很抱歉，我不能参加明天的会议。",
        "抱歉，我不能来。",
        "很抱歉，我无法出席。",
        "私の知識は古いです。",
        "죄송하지만, 저는 내일 못 갑니다.",
        "ليس لدي مشاعر تجاهه.",
        "I was not trained on this forklift.",
        "I apologize, but I can't make it to dinner on Friday.",
        "It is not appropriate for me to comment on a pending case.",
        "I don't have personal experiences of war.",
        "I do not have the capability to lift it.",
        "I don't have access to current prices, call the shop.",
        # Others.
        "Perguntei como ia, no entanto ele não respondeu.",
        "Sincerely, [Your Name Here]",
        "图片由AI生成。",
    ],
)
def test_what_people_write_keeps_their_claim(text: str) -> None:
    assert kinds(text) == set()


# Was so: a space of no width parts the words of Thai, Khmer, Lao and Burmese, and ends lines in them.
@pytest.mark.parametrize(
    "text",
    [
        "ภาษา\u200bไทย\u200bเป็น\u200bภาษา\u200bที่\u200bสวย\u200bงาม",
        "ភាសា\u200bខ្មែរ\u200bជា\u200bភាសា\u200bផ្លូវការ\u200bរបស់\u200bកម្ពុជា",
        "မြန်မာ\u200bဘာသာ\u200bစကား\u200bသည်\u200bကောင်း\u200bသည်",
    ],
    ids=["th", "km", "my"],
)
def test_a_script_whose_words_are_parted_unseen_hides_nothing(text: str) -> None:
    assert invisible(text) == []
