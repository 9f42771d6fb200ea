"""Signed notes and checkpoints: the examples of the specifications, forms that don't print back, false signatures."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.keys import SigningKey
from headwater.proof import (
    Checkpoint,
    NoteSigner,
    Rejected,
    VerifierKey,
    opened,
    read_note,
    signed_note,
)

# C2SP/C2SP at commit 5ba5ee830903e91240fc6f9f3a7a9293d49e69c9 (CC BY 4.0): signed-note.md, section Example, and
# tlog-checkpoint.md, the first example (its key isn't published).
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
CHECKPOINT = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
KEYS = [SigningKey(bytes([nth]) * 32, "log") for nth in range(1, 4)]
SIGNERS = [NoteSigner(f"log.example/{nth}", key.public, key.sign) for nth, key in enumerate(KEYS)]
TRUSTED = [VerifierKey(one.name, one.public) for one in SIGNERS]
TEXT = "a text\n\nwith an empty line — and a dash\n"


def test_the_example_of_signed_note() -> None:
    key = VerifierKey.parse(VKEY)
    assert (key.name, key.hash.hex(), key.text()) == ("example.com/foo", "530d903a", VKEY)
    found = opened(NOTE.encode(), [key])
    assert (found.note.text, found.by) == ("This is an example message.\n", (key,))
    assert found.note.data() == NOTE.encode()


def test_the_example_of_tlog_checkpoint() -> None:
    note = read_note(CHECKPOINT.encode())
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(checkpoint.root) == b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert checkpoint.text() == note.text
    assert note.signatures[0].hash.hex() == "033de0ae"


def test_several_sign_and_strangers_are_passed_over() -> None:
    data = signed_note(TEXT, SIGNERS)
    assert opened(data, TRUSTED[1:]).by == tuple(TRUSTED[1:])
    assert opened(data, reversed(TRUSTED)).by == tuple(TRUSTED)
    assert opened(data, TRUSTED).note.text == TEXT
    with pytest.raises(Rejected, match="no trusted key"):
        opened(
            data, [VerifierKey("log.example/0", KEYS[1].public), VerifierKey("log.example/9", KEYS[0].public)]
        )
    with pytest.raises(Rejected, match="no trusted key"):
        opened(data, [])


def test_a_false_signature_of_a_trusted_key_spoils_the_note() -> None:
    """Even beside a true one of another key, and of the same key."""
    true = signed_note(TEXT, SIGNERS[:2])
    first = read_note(true).signatures[0]
    other = read_note(signed_note("another\n", SIGNERS[:1])).signatures[0]
    for false in (true.replace(first.line().encode(), other.line().encode()), true + other.line().encode()):
        with pytest.raises(Rejected, match="false signature"):
            opened(false, TRUSTED)
        assert opened(false, TRUSTED[1:]).by == (TRUSTED[1],)


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_any_changed_byte_is_refused(at: int, change: int) -> None:
    data = bytearray(signed_note(Checkpoint("log.example/0", 5, bytes(32)).text(), SIGNERS[:1]))
    data[at % len(data)] ^= change
    with pytest.raises(Rejected):
        opened(bytes(data), TRUSTED)


LINE = "— a.example AAAAAAA=\n"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        f"text\n{LINE}",
        f"text{LINE}",
        f"text\n\n{LINE[:-1]}",
        f"text\n\n{LINE}\n",
        f"text\n\n\n{LINE}x",
        "text\n\n— a.example AAAAAAA\n",
        "text\n\n— a.example AAAAAA==\n",
        "text\n\n— a.example AAAAAAB=\n",
        "text\n\n— a.example AAAA_AA=\n",
        "text\n\n— a.example AAAA AAA=\n",
        "text\n\n— a.example\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n",
        "text\n\n— a\u00a0b AAAAAAA=\n",
        "text\n\n— a\u3000b AAAAAAA=\n",
        "text\n\n- a.example AAAAAAA=\n",
        "text\n\n— a.example \n",
        f"text\r\n\r\n{LINE}",
        f"te\txt\n\n{LINE}",
        f"te\0xt\n\n{LINE}",
    ],
)
def test_what_is_no_note(data: str) -> None:
    with pytest.raises(Rejected):
        read_note(data.encode())


def test_notes_that_are_not_utf_8_or_too_large() -> None:
    read_note(f"text\n\n{LINE * 100}".encode())
    assert read_note(f"\n\n{LINE}".encode()).text == "\n"
    for data in (
        b"te\xffxt\n\n" + LINE.encode(),
        b"te\xed\xa0\x80xt\n\n" + LINE.encode(),
        f"text\n\n{LINE * 101}".encode(),
        f"{'x' * 1_000_000}\n\n{LINE}".encode(),
    ):
        with pytest.raises(Rejected):
            read_note(data)


@given(
    st.one_of(
        st.binary(max_size=100), st.text(st.sampled_from("a\n— =A+\r\u2028"), max_size=60).map(str.encode)
    )
)
def test_hostile_notes_are_refused_or_print_back(data: bytes) -> None:
    try:
        assert read_note(data).data() == data
    except Rejected:
        return


@pytest.mark.parametrize("text", ["", "no end", "a\n\nno end", f"a\n\n{LINE[:-1]}", "a\r\n", "a\tb\n"])
def test_a_text_that_would_read_otherwise_is_not_signed(text: str) -> None:
    with pytest.raises(Rejected):
        signed_note(text, SIGNERS)


def test_a_note_without_signers_is_not_made() -> None:
    with pytest.raises(Rejected):
        signed_note(TEXT, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("530d903a", "530D903A"),
        VKEY.replace("foo", "bar"),
        VKEY.replace("foo", "f oo"),
        VKEY.replace("+Ae", "+Ag"),
        VKEY[:-4],
        VKEY + "=",
        VKEY + "\n",
        "example.com/foo+530d903a+",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(Rejected):
        VerifierKey.parse(text)


def test_keys_that_cannot_be() -> None:
    for name, key, algorithm in (("a", b"", 1), ("a", bytes(33), 1), ("a", bytes(32), 2), ("", bytes(32), 1)):
        with pytest.raises(Rejected):
            VerifierKey(name, key, algorithm)
    with pytest.raises(Rejected, match="UTF-8"):
        VerifierKey("\ud800", bytes(32))


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n0\n",
        f"\n0\n{ROOT}\n",
        f"a\n0\n{ROOT}",
        f"a\n00\n{ROOT}\n",
        f"a\n+1\n{ROOT}\n",
        f"a\n-1\n{ROOT}\n",
        f"a\n1_0\n{ROOT}\n",
        f"a\n１\n{ROOT}\n",
        f"a\n1 \n{ROOT}\n",
        f"a\n{2**63}\n{ROOT}\n",
        f"a\n{'9' * 5000}\n{ROOT}\n",
        f"a\n0\n{ROOT[:-1]}\n",
        f"a\n0\n{ROOT[:-4]}\n",
        f"a\n0\n{ROOT[:-2]}B=\n",
        f"a\n0\n{ROOT}\n\n",
        f"a\n0\n{ROOT}\n\nmore\n",
        f"a\r\n0\r\n{ROOT}\r\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(Rejected):
        Checkpoint.parse(text)


@given(
    st.text(st.characters(min_codepoint=32, codec="utf-8"), min_size=1, max_size=20),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(min_codepoint=32, codec="utf-8"), min_size=1, max_size=9), max_size=3),
)
def test_a_checkpoint_reads_back(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    made = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(made.text()) == made
    assert Checkpoint.parse(read_note(signed_note(made.text(), SIGNERS)).text) == made


@given(st.text(st.sampled_from("a\n019+=A\r "), max_size=80))
def test_hostile_checkpoints_are_refused_or_print_back(text: str) -> None:
    try:
        assert Checkpoint.parse(text).text() == text
    except Rejected:
        return


def test_checkpoints_that_cannot_be() -> None:
    for origin, size, root, extensions in (
        ("", 0, bytes(32), ()),
        ("a\nb", 0, bytes(32), ()),
        ("a\tb", 0, bytes(32), ()),
        ("a", -1, bytes(32), ()),
        ("a", 2**63, bytes(32), ()),
        ("a", 0, bytes(31), ()),
        ("a", 0, bytes(32), ("",)),
        ("a", 0, bytes(32), ("b\nc",)),
    ):
        with pytest.raises(Rejected):
            Checkpoint(origin, size, root, extensions)
