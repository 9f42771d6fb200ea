"""One client: rare among others, and among others of the same program."""

from __future__ import annotations

from detect.evidence.account.people import SIZE, by_account, found, people
from headwater.detect.evidence.account import client

MANY = [f"t13d_{i % 6}" for i in range(SIZE)]
TOOLS = [("tool/1", "other/2")[i % 2] for i in range(SIZE)]


def test_a_combination_that_the_ring_has_and_others_do_not() -> None:
    tls, order = by_account(["t13d_x"] * 10 + MANY[10:]), by_account(["host,accept"] * SIZE)
    out = found(client.test, people(tls=tls, header_order=order), range(10))[0]
    assert out.raw > 1.5
    assert out.figures["alike"] == 10


def test_the_parts_may_each_be_common() -> None:
    tls, http2 = (
        ["a" if i < 35 else "b" for i in range(SIZE)],
        ["b" if 10 <= i < 35 else "a" for i in range(SIZE)],
    )
    out = found(client.test, people(tls=by_account(tls), http2=by_account(http2)), range(10))[0]
    assert out.raw > 1.5


def test_varied_clients_and_one_that_all_have_say_nothing() -> None:
    assert found(client.test, people(tls=by_account(MANY)), range(12))[0].raw == 0
    assert found(client.test, people(tls=by_account(["t"] * SIZE)), range(12))[0].raw == 0


def test_users_of_one_program_have_its_client_in_common() -> None:
    tls = ["t13d_tool" if i < 35 else f"t13d_{i}" for i in range(SIZE)]
    agent = ["tool/1.2" if i < 35 else "other/2" for i in range(SIZE)]
    alone = found(client.test, people(tls=by_account(tls)), range(12))[0]
    told = found(client.test, people(tls=by_account(tls), user_agent=by_account(agent)), range(12))[0]
    assert alone.raw > 0.5
    assert told.raw == 0


def test_a_language_ties_nobody() -> None:
    prints = [f"po11nn07{'zhcn' if i < 10 else 'enus'}_abc_0_0" for i in range(SIZE)]
    assert found(client.test, people(ja4h=by_account(prints)), range(10))[0].raw == 0
    assert client.without_language("odd") == "odd"


def test_nulls_short_accounts_and_one_account_say_nothing() -> None:
    assert found(client.test, people(tls=[None] * SIZE * 40), range(10)) == {}
    assert found(client.test, people(each=4, tls=by_account(["x"] * SIZE, 4)), range(10)) == {}
    assert found(client.test, people(1, tls=["x"] * 40), range(1)) == {}


def test_a_family_is_products_without_versions() -> None:
    names = {
        "OpenAI/Python 1.4.0": "openai/python",
        "openai-python/1.40": "openai-python",
        " curl/8 (x)": "curl",
        "Go-http-client": "go-http-client",
        "Mozilla/5.0 (X11; rv:130.0) Gecko/20100101 Firefox/130.0": "mozilla gecko firefox",
        "Mozilla/5.0 (M) Apple/537.36 (KHTML, like Gecko) Chrome/131 Safari/537.36": "mozilla apple chrome safari",
        "x" * 10**6: "x" * 64,
        "(x)": None,
        "": None,
        "/ 1.2": "/",
    }
    assert {name: client.family(name) for name in names} == names
