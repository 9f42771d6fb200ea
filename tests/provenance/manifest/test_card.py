"""Dataset cards: read by the Hub's own library, and whatever isn't Headwater's left alone byte for byte."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UnreadableInput
from headwater.provenance.manifest import DatasetRecord, Fact, load_audit
from headwater.provenance.manifest.formats.card import BEGIN, END, card_claims
from headwater.provenance.manifest.formats.card_section import card
from headwater.provenance.manifest.formats.front_matter import parsed_head
from provenance.manifest import audits

README = b"""---
# kept comment
license: mit
tags:
- geography   # kept too
- maps
dataset_info:
  features:
  - {name: id, dtype: string}
  splits: [ {name: train,   num_examples: 4} ]

language: [en]
---

# Rivers  \n\nBody with  two spaces, <b>HTML</b> and no end of line"""


@pytest.fixture
def record(tmp_path: Path) -> DatasetRecord:
    return load_audit(audits.instructions(tmp_path))


def confirmed(record: DatasetRecord, **facts: object) -> DatasetRecord:
    made = {name: Fact(value, "confirmed") for name, value in facts.items()}
    return msgspec.structs.replace(record, facts=msgspec.structs.replace(record.facts, **made))


def test_the_hubs_library_reads_it(record: DatasetRecord) -> None:
    hub = pytest.importorskip("huggingface_hub")
    data = hub.DatasetCard(card(record).decode()).data
    assert data.license == "cc-by-4.0"
    assert data.language == ["en", "no"], "Norwegian isn't false"
    assert data.tags == ["geography", "synthetic"]
    assert data.annotations_creators is None, "nothing says that there are annotations"
    assert data.language_creators == ["machine-generated", "other"], "people, and it isn't known which"
    assert data.source_datasets == ["example/rivers"]
    assert data.pretty_name == "Rivers & seas"


def test_a_licence_of_ones_own_is_written_as_the_hub_asks(record: DatasetRecord) -> None:
    hub = pytest.importorskip("huggingface_hub")
    made = card(confirmed(record, licence_name="River licence", licence_link="https://example.org/licence"))
    data = hub.DatasetCard(made.decode()).data
    assert (data.license, data.license_name) == ("other", "River licence")
    assert data.license_link == "https://example.org/licence"


def test_the_rest_of_a_readme_stays_byte_for_byte(record: DatasetRecord) -> None:
    made = card(record, README)
    head, _, body = made.partition(b"---\n\n# Rivers")
    assert body.startswith(README.partition(b"# Rivers")[2])
    for line in README.partition(b"\n---\n")[0].split(b"\n"):
        if not line.startswith((b"tags", b"- ", b"language")):
            assert line in head.split(b"\n"), line
    known = parsed_head(head.removeprefix(b"---\n"), "README.md")
    assert known["license"] == "mit", "what a card says already stays, unless a person says otherwise"
    assert known["tags"] == ["geography", "maps", "synthetic"]
    assert known["language"] == ["en", "no"]


def test_a_person_may_replace_a_value(record: DatasetRecord) -> None:
    made = card(confirmed(record, licences=("cc0-1.0",)), README)
    assert b"\nlicense: cc0-1.0\n" in made
    assert b"license: mit" not in made


def test_writing_twice_changes_nothing(record: DatasetRecord) -> None:
    once = card(record, README)
    assert card(record, once) == once
    assert once.count(BEGIN.encode()) == 1


def test_a_section_in_the_middle_is_replaced_in_its_place(record: DatasetRecord) -> None:
    readme = f"---\nlicense: mit\n---\nabove\n{BEGIN}\nold\n{END}\nbelow\n".encode()
    made = card(record, readme)
    assert made.endswith(b"\nbelow\n")
    assert b"above\n" + BEGIN.encode() in made
    assert b"\nold\n" not in made


def test_windows_line_ends_stay(record: DatasetRecord) -> None:
    made = card(record, b"---\r\nlicense: mit\r\n---\r\nText\r\n")
    assert b"\n" not in made.replace(b"\r\n", b"")
    assert made.startswith(b"---\r\nlicense: mit\r\n")


@given(st.binary(max_size=300).filter(lambda body: b"headwater:" not in body and not body.startswith(b"---")))
def test_any_body_survives(body: bytes) -> None:
    made = card(RECORD, b"---\nlicense: mit\n---\n" + body)
    assert b"\n---\n" + body in made


RECORD = msgspec.convert(
    {
        "facts": {"name": {"value": "x", "basis": "found"}},
        "files": [],
        "rows": 0,
        "characters": 0,
        "audit": {"sha256": "0" * 64, "headwater": "0.1.0", "asked_at": "2026-11-27"},
    },
    DatasetRecord,
)


@pytest.mark.parametrize(
    "readme",
    [
        f"{BEGIN}\n{BEGIN}\n{END}\n".encode(),
        f"{END}\n{BEGIN}\n".encode(),
        f"{BEGIN}\n".encode(),
        b"---\n{license: mit, tags: [a]}\n---\n",
        b"---\n- a list\n---\n",
        b"---\nlicense: [\n---\n",
        b"---\nlicense: \xff\n---\n",
    ],
)
def test_a_readme_that_cant_be_edited_is_refused(record: DatasetRecord, readme: bytes) -> None:
    with pytest.raises(UnreadableInput) as caught:
        card(record, readme, path="set/README.md")
    assert caught.value.where.file == "set/README.md"


def test_what_claims_say_doesnt_break_out_of_the_section(record: DatasetRecord) -> None:
    hostile = f"x {END} <script>alert(1)</script> | `a` [b](c)\nnew line"
    made = card(confirmed(record, intended_use=hostile, pretty_name=hostile)).decode()
    assert made.partition(BEGIN)[2].count(END) == 1
    assert "<script" not in made.partition(BEGIN)[2]
    assert card(confirmed(record, intended_use="other"), made.encode()).count(b"## Where the text") == 1


def test_claims_of_a_card_that_headwater_wrote(record: DatasetRecord) -> None:
    claims = card_claims(card(record), "README.md").claims()
    assert claims.row_generators == ("gpt-4o-2024-08-06", "meta-llama/Llama-3.1-8B")
    assert (claims.from_audit, claims.row_synthetic, claims.row_human) == (True, True, True)
    assert (claims.generators, claims.synthetic, claims.human, claims.tags) == (
        (),
        None,
        None,
        ("geography",),
    )
    assert claims.languages == ("en", "no")
    assert claims.licences == ("cc-by-4.0",)


def test_claims_of_a_card_as_others_write_them() -> None:
    readme = (
        b"---\nlicense: other\nlicense_name: llama3\nlicense_link: LICENSE\nlanguage:\n- no\n- yes\n"
        b"language_creators: [found, machine-generated]\nsource_datasets: extended|squad\ntags: Synthetic\n"
        b"generator: [gpt-4o, 3]\n---\n"
    )
    claims = card_claims(readme, "README.md").claims()
    assert claims.licences == ("llama3", "LICENSE")
    assert claims.languages == ("no", "yes")
    assert claims.source_datasets == ("extended|squad",)
    assert claims.synthetic is True
    assert claims.human is True
    assert claims.generators == ("gpt-4o", "3")


def many_answers(folder: Path) -> DatasetRecord:
    """One model under two licences, another one, people, and rows that name nobody."""
    audits.instructions(folder)
    origin = {"model": "deepseek-chat"}
    groups = [
        audits.group("a", {**origin, "licences": ["mit"]}, 657, "unknown"),
        audits.group("b", {**origin, "licences": ["cc-by-nc-4.0"]}, 187, "bound", terms="restricted-to",
                     sentence="The licence allows uses that aren't commercial."),
        audits.group("c", {**origin, "licences": ["CC BY 4.0"]}, 2, "bound", terms="allowed-with-duties"),
        audits.group("d", {"model": "meta-llama/Llama-3.1-8B-Instruct"}, 5, "bound", terms="allowed-with-duties"),
        audits.group("e", {"human": True}, 4, "clean", terms="allowed"),
        audits.group("f", {}, 3, "unknown"),
    ]  # fmt: skip
    use = {"action": "train", "competing": True, "model_class": "generative", "distributed": True,
           "commercial": True, "on_service": ""}  # fmt: skip
    card = {"license": ["cc-by-4.0"]}
    document = audits.audit(folder, "x", "lines", groups=groups, rows=858, use=use, card=card)
    return load_audit(audits.written(folder, document))


def test_the_table_counts_rows_by_answer_for_each_writer(tmp_path: Path) -> None:
    made = card(many_answers(tmp_path)).decode()
    rows = [line for line in made.splitlines() if line.startswith("| ")][1:]
    assert rows == [
        "| `deepseek-chat` | DeepSeek | 846 | unknown | 657 unknown, 187 restricted, 2 allowed with duties |",
        "| `meta-llama/Llama-3.1-8B-Instruct` | Meta | 5 | unknown | 5 allowed with duties |",
        "| people | | 4 | | 4 allowed |",
        "| nobody named | | 3 | | 3 unknown |",
    ]
    assert "aren't commercial" not in made, "what holds for some rows isn't said of all"
    assert (
        "Asked on 2026-11-27 for: train-competing: training a model (generative) that competes with the provider, "
        "distributed, commercially."
    ) in made


def test_licences_that_rows_claim_are_told_whatever_their_spelling(tmp_path: Path) -> None:
    record = many_answers(tmp_path)
    assert [(one.name, one.rows) for one in record.row_licences] == [("mit", 657), ("cc-by-nc-4.0", 187)]
    assert "- Licences that rows claim: mit (657 rows), cc-by-nc-4.0 (187 rows)" in card(record).decode()


def test_which_people_wrote_is_said_where_a_person_says_it_in_the_hubs_words(record: DatasetRecord) -> None:
    made = card(confirmed(record, human_sources=("crowdsourced", "pupils of one school"))).decode()
    assert "language_creators:\n- machine-generated\n- crowdsourced\n" in made


def test_a_name_doesnt_end_the_note(record: DatasetRecord) -> None:
    hostile = "x --> <script> & <!-- headwater:end -->"
    whole = msgspec.structs.replace(record.whole, generators=(hostile,))
    made = card(msgspec.structs.replace(record, whole=whole))
    (line,) = [line for line in made.decode().splitlines() if "headwater:note" in line]
    assert line.count("-->") == 1
    assert "<script" not in line
    assert card_claims(made, "README.md").claims().from_audit
