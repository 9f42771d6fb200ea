"""Policies of trust: what they let pass, against every subset of witnesses, and what is no policy."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.keys import SigningKey
from headwater.proof import (
    COSIGNATURE,
    Checkpoint,
    Group,
    NoteSigner,
    Rejected,
    Trust,
    VerifierKey,
    Witness,
    cosigned,
    signed_note,
)

KEYS = [SigningKey(bytes([nth]) * 32, "witness") for nth in range(1, 9)]
SIGNERS = [NoteSigner(f"key.example/{nth}", key.public, key.sign) for nth, key in enumerate(KEYS)]
LOG, OTHER, *WITNESSES = SIGNERS
NAMES = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
VKEYS = [VerifierKey(one.name, one.public, COSIGNATURE).text() for one in WITNESSES]
LOG_KEY = VerifierKey(LOG.name, LOG.public)
CHECKPOINT = Checkpoint(LOG.name, 7, bytes(32))
NOTE = signed_note(CHECKPOINT.text(), [LOG])

# The example of tlog-policy.md (C2SP), with keys.
X1, X2, X3, Y1, Y2, Y3 = VKEYS
EXAMPLE = f"""log {LOG_KEY.text()}

witness X1 {X1}
witness X2 {X2}
witness X3 {X3}
group X-witnesses 2 X1 X2 X3

witness Y1 {Y1}
witness Y2 {Y2}
witness Y3 {Y3}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def note_of(names: tuple[str, ...]) -> bytes:
    note = NOTE
    for nth, name in enumerate(names):
        note = cosigned(note, WITNESSES[NAMES.index(name)], 1_700_000_000 + nth)
    return note


@pytest.mark.parametrize("count", range(7))
def test_the_example_of_the_specification_with_every_subset_of_witnesses(count: int) -> None:
    trust = Trust.parse(EXAMPLE)
    for names in combinations(NAMES, count):
        enough = sum(name[0] == "X" for name in names) >= 2 and any(name[0] == "Y" for name in names)
        if enough:
            found = trust.witnessed(note_of(names))
            assert (found.checkpoint, found.log) == (CHECKPOINT, LOG_KEY)
            assert [(one.name, at_s - 1_700_000_000) for one, at_s in found.cosigned] == [
                (name, nth) for nth, name in enumerate(names)
            ]
        else:
            with pytest.raises(Rejected, match="too few"):
                trust.check(note_of(names))


def test_a_policy_is_read_with_spaces_comments_and_addresses() -> None:
    text = (
        f"# whose word counts\n\n \t log\t{LOG_KEY.text()}  https://log.example \n"
        f"witness wé {X1} https://w.example/\n  # a witness is enough\nquorum   wé\n"
    )
    trust = Trust.parse(text)
    assert trust == Trust.parse(text.encode())
    assert trust.logs == (LOG_KEY,)
    assert trust.witnesses == (Witness("wé", VerifierKey.parse(X1), "https://w.example/"),)
    assert trust.quorum == "wé"


def test_names_are_bytes() -> None:
    """A Kelvin sign isn't a K, a space beyond ASCII separates nothing, and bytes may be no UTF-8."""
    head = f"log {LOG_KEY.text()}\nwitness K {X1}\n".encode()
    for name in (b"\xe2\x84\xaa", b"K\xc2\xa0", b"\xff"):
        trust = Trust.parse(head + b"witness " + name + f" {X2}\n".encode() + b"quorum " + name + b"\n")
        assert trust.quorum == trust.witnesses[1].name != "K"
        assert trust.check(note_of(("X2",))) == CHECKPOINT
        with pytest.raises(Rejected, match="too few"):
            trust.check(note_of(("X1",)))


def test_without_witnesses_the_log_is_enough_and_needed() -> None:
    trust = Trust((LOG_KEY,))
    assert trust == Trust.parse(f"log {LOG_KEY.text()}\nquorum none\n")
    assert trust.check(NOTE) == CHECKPOINT
    with pytest.raises(Rejected, match="no trusted key"):
        trust.check(signed_note(CHECKPOINT.text(), [OTHER]))
    with pytest.raises(Rejected, match="no trusted key"):
        Trust(()).check(NOTE)


def test_a_trusted_log_does_not_speak_for_another() -> None:
    trust = Trust((LOG_KEY, VerifierKey(OTHER.name, OTHER.public)))
    with pytest.raises(Rejected, match="another log"):
        trust.check(signed_note(CHECKPOINT.text(), [OTHER]))
    assert trust.witnessed(signed_note(CHECKPOINT.text(), [OTHER, LOG])).log == LOG_KEY


def test_a_false_cosignature_is_refused_even_where_others_would_do() -> None:
    trust = Trust.parse(EXAMPLE)
    note = note_of(("X1", "X2", "Y1"))
    false = cosigned(signed_note(Checkpoint(LOG.name, 8, bytes(32)).text(), [LOG]), WITNESSES[5], 1)
    with pytest.raises(Rejected, match="false signature"):
        trust.check(note + false.split(b"\n")[-2] + b"\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum none",
        "log\nquorum none\n",
        f"log {X1}\nquorum none\n",
        f"log {LOG_KEY.text()} a b\nquorum none\n",
        f"log {LOG_KEY.text()}\nlog {VerifierKey('b', LOG.public).text()}\nquorum none\n",
        f"witness a {LOG_KEY.text()}\nquorum none\n",
        f"witness a {X1}\nwitness b {X1}\nquorum none\n",
        f"witness a {X1}\nwitness a {X2}\nquorum none\n",
        f"witness none {X1}\nquorum none\n",
        f"witness a {X1}\n",
        f"witness a {X1}\nquorum b\n",
        f"quorum a\nwitness a {X1}\n",
        "quorum none\nquorum none\n",
        "quorum\n",
        "quorum none none\n",
        f"witness a {X1}\ngroup g 1\nquorum g\n",
        f"witness a {X1}\ngroup g 0 a\nquorum g\n",
        f"witness a {X1}\ngroup g 2 a\nquorum g\n",
        f"witness a {X1}\ngroup g 01 a\nquorum g\n",
        f"witness a {X1}\ngroup g -1 a\nquorum g\n",
        f"witness a {X1}\ngroup g some a\nquorum g\n",
        f"witness a {X1}\ngroup g any a a\nquorum g\n",
        f"witness a {X1}\ngroup g any none\nquorum g\n",
        f"witness a {X1}\ngroup a any a\nquorum a\n",
        f"witness a {X1}\ngroup g any g\nquorum g\n",
        f"group g any a\nwitness a {X1}\nquorum g\n",
        f"witness a {X1}\ngroup g any a\ngroup h any a\nquorum g\n",
        f"witness a {X1}\ngroup g any a\ngroup h any g\ngroup i any g\nquorum g\n",
        "what none\n",
        "quorum none\r\n",
        "quorum\x0bnone\n",
        "quorum none\x7f\n",
        "quorum none\n" + "#" * 1_000_000 + "\n",
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(Rejected):
        Trust.parse(text)


def test_a_policy_of_endless_lines_is_refused() -> None:
    keys = [VerifierKey("w", nth.to_bytes(32, "big"), COSIGNATURE).text() for nth in range(1_100)]
    text = "".join(f"witness w{nth} {key}\n" for nth, key in enumerate(keys))
    with pytest.raises(Rejected, match="more than"):
        Trust.parse(text + "quorum w1\n")
    Trust.parse("".join(text.splitlines(True)[:300]) + "quorum w1\n")


def test_an_error_names_the_line_and_not_what_stands_there() -> None:
    with pytest.raises(Rejected, match=r"^line 3 of the policy: ") as raised:
        Trust.parse(f"# one\nwitness a {X1}\ngroup secretive any b\n")
    assert "secretive" not in str(raised.value)


def test_policies_that_cannot_be() -> None:
    key = VerifierKey.parse(X1)
    for made in (
        lambda: Trust((key,)),
        lambda: Trust((), (Witness("a", LOG_KEY),)),
        lambda: Trust((), (), (), "a"),
        lambda: Trust((), (Witness("a", key),), (Group("g", 2, ("a",)),), "g"),
        lambda: Trust((), (Witness("a", key),), (Group("g", 1, ("h",)), Group("h", 1, ("a",))), "g"),
    ):
        with pytest.raises(Rejected):
            made()


@given(
    st.lists(st.sampled_from(["log", "witness", "group", "quorum", "any", "1", "a", "b", X1, "#", "\n", " "]))
)
def test_hostile_policies_are_refused_or_read(words: list[str]) -> None:
    try:
        Trust.parse(" ".join(words) + "\n")
    except Rejected:
        return
